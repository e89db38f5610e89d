// Opens a report in a real browser and says what happened, as JSON: used by `tests/it/browser.rs`.
//
//   node look.mjs NODE_MODULES CHROMIUM REPORT.html OUT_FOLDER
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [modules, executablePath, report, out] = process.argv.slice(2);
const require = createRequire(modules + "/here.js");
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const said = { requests: [], complaints: [], dialogs: 0, accessibility: [], narrow: {} };

async function open(options, javaScriptEnabled = true) {
  const context = await browser.newContext({ ...options, javaScriptEnabled });
  const page = await context.newPage();
  page.on("request", (it) => { if (it.url() !== pathToFileURL(report).href) said.requests.push(it.url()); });
  page.on("console", (it) => { if (it.type() === "error" || it.type() === "warning") said.complaints.push(it.text()); });
  page.on("pageerror", (it) => said.complaints.push(String(it)));
  page.on("dialog", (it) => { said.dialogs += 1; it.dismiss(); });
  await page.goto(pathToFileURL(report).href);
  return page;
}

// The top of a page: a picture of all of a tall one asks more of the browser than a small machine has.
async function picture(it, name) {
  const { width, height } = await it.evaluate(() => ({ width: innerWidth, height: Math.min(document.documentElement.scrollHeight, 6000) }));
  const take = () => it.screenshot({ path: `${out}/${name}.png`, fullPage: true, clip: { x: 0, y: 0, width, height } });
  // A browser without a screen at times has no frame yet: "Unable to capture screenshot".
  await take().catch(() => it.waitForTimeout(500).then(take)).catch(() => it.waitForTimeout(2000).then(take));
}

const wide = { viewport: { width: 1280, height: 900 } };
const page = await open({ ...wide, colorScheme: "light" });
const rows = (id) => page.locator(`#${id} tbody tr`);
const column = (id, nth) => page.locator(`#${id} tbody tr td:nth-child(${nth})`).allInnerTexts();
const status = (id) => page.locator(`#${id} [role=status]`).innerText();

// The filter answers a moment after the last key.
async function ask(text) {
  const before = await status("commands");
  await page.locator("#commands input[type=search]").fill(text);
  await page.waitForFunction((before) => document.querySelector("#commands [role=status]").textContent !== before, before);
}

// What stands there before anything is touched.
said.title = await page.title();
said.lang = await page.locator("html").getAttribute("lang");
said.headings = await page.locator("h2:visible").allInnerTexts();
said.landmarks = await page.evaluate(() => ["header", "nav", "main", "footer"].filter((it) => document.querySelector(it)));
said.foreign = await page.evaluate(() => ({
  scripts: document.scripts.length,
  active: document.querySelectorAll("img, iframe, object, embed, base, form, link, meta[http-equiv=refresh]").length,
  handlers: [...document.querySelectorAll("*")].filter((it) => [...it.attributes].some((one) => one.name.startsWith("on"))).length,
  styles: document.querySelectorAll("[style]").length,
  links: [...document.links].filter((it) => it.getAttribute("href")[0] !== "#").length,
  owned: "owned" in window,
}));
if (await page.locator("#commands").count()) {
  said.commands = await status("commands");
  said.sessions = await status("sessions");
}

// Sorting and filtering.
if (await rows("commands").count()) {
  const owner = page.locator("#commands th button").nth(1);
  await owner.click();
  const up = await column("commands", 2);
  await owner.click();
  const down = await column("commands", 2);
  const ordered = (some) => some.every((it, nth) => nth === 0 || some[nth - 1] <= it);
  said.sorted = { up: ordered(up), down: ordered([...down].reverse()), aria: await page.locator("#commands th").nth(1).getAttribute("aria-sort") };
  await page.locator("#commands th button").nth(0).focus();
  await page.keyboard.press("Enter");
  said.sorted.keyboard = await page.locator("#commands th").nth(0).getAttribute("aria-sort");
  await ask("CURL sh");
  said.filtered = { status: await status("commands"), all: (await column("commands", 5)).every((it) => it.includes("curl")) };
  await ask("");
  await page.locator("#commands input[type=checkbox]").check();
  said.notable = await status("commands");
  await page.locator("#commands input[type=checkbox]").uncheck();
}

// A link on a session asks for its commands.
if (await page.locator("#sessions td a").count()) {
  const link = page.locator("#sessions td a").first();
  const id = await link.innerText();
  await link.click();
  said.linked = (await column("commands", 7)).every((it) => it.startsWith(id));
  await ask("");
}

// The player.
const play = page.locator("button[data-play]:visible").first();
if (await play.count()) {
  const command = await page.locator("tr", { has: page.locator("button[data-play]") }).first().locator("td.code").innerText();
  await page.locator("select[name=speed]").selectOption("20");
  await play.click();
  const first = command.split("\n")[0].slice(0, 30).trim();
  await page.waitForFunction((text) => document.getElementById("screen").textContent.includes(text), first, { timeout: 20000 });
  said.player = { plays: true, told: await page.locator("#player-told").innerText() !== "" };
  await page.locator("button[name=go]").click();
  said.player.pressed = await page.locator("button[name=go]").getAttribute("aria-pressed");
  const before = (await page.locator("#screen").textContent()).length;
  await page.locator("button[name=previous]").click();
  await page.locator("button[name=next]").click();
  said.player.steps = (await page.locator("#screen").textContent()).length > 0 && before > 0;
}

// Accessibility, by axe-core: in both colours, where nothing moves.
for (const colorScheme of ["light", "dark"]) {
  const it = await open({ ...wide, colorScheme });
  await it.evaluate(() => document.querySelectorAll("details").forEach((it) => { it.open = true; }));
  // Through the debugger: the page itself would not let a script in.
  await it.evaluate(axe);
  const found = await it.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  said.accessibility.push(...found.violations.map((it) => `${colorScheme}: ${it.id}: ${it.nodes.length}: ${it.nodes[0].html.slice(0, 160)}`));
  await it.evaluate(() => document.querySelectorAll("details").forEach((it) => { it.open = false; }));
  await it.evaluate(() => scrollTo(0, 0));
  await picture(it, `wide-${colorScheme}`);
  await it.context().close();
}

// A narrow window: nothing but what says so scrolls sideways.
for (const colorScheme of ["light", "dark"]) {
  const it = await open({ viewport: { width: 390, height: 844 }, colorScheme });
  said.narrow[colorScheme] = await it.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  await picture(it, `narrow-${colorScheme}`);
  await it.context().close();
}

// Nothing is cut off at the margin of a sheet of A4.
const sheet = await open({ viewport: { width: 688, height: 1000 }, colorScheme: "light" });
await sheet.emulateMedia({ media: "print" });
said.cut = await sheet.evaluate(() => [...document.querySelectorAll(".wrap, figure, dl")].filter((it) => it.scrollWidth > it.clientWidth + 1).length);
await sheet.context().close();

// On paper, and without a script.
const pdf = await page.pdf({ path: `${out}/report.pdf`, preferCSSPageSize: true });
said.pages = (pdf.toString("latin1").match(/\/Type\s*\/Page\b/g) ?? []).length;
const box = pdf.toString("latin1").match(/\/MediaBox\s*\[([^\]]*)\]/);
said.paper = box ? box[1].trim().split(/\s+/).slice(2).map((it) => Math.round(Number(it))) : null;
const plain = await open(wide, false);
said.plain = { rows: await plain.locator("#commands tbody tr").count(), buttons: await plain.locator("button:visible").count() - await plain.locator("th button").count(), told: await plain.locator("noscript").count() };

await browser.close();
console.log(JSON.stringify(said, null, 1));
