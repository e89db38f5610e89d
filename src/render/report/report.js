"use strict";
// Sorts, filters and pages the two long tables, and plays sessions. It makes text nodes and never markup, so that
// nothing of a transcript can become part of the page; and it asks nobody for anything.
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const words = data.words;
  const PAGE = 100;
  const fill = (text, ...values) => text.replace(/\{(\d)\}/g, (_, nth) => values[nth]);
  const make = (name, text, kind) => {
    const it = document.createElement(name);
    if (text !== undefined && text !== null) it.textContent = text;
    if (kind) it.className = kind;
    return it;
  };

  // `keys` are what each column sorts by, `fields` what the filter looks into.
  function Table(root, keys, fields, rows, row, isMarked) {
    const body = root.querySelector("tbody");
    const search = root.querySelector("input[type=search]");
    const only = root.querySelector("input[type=checkbox]");
    const told = root.querySelector("[role=status]");
    const [back, forth] = root.querySelectorAll("button[data-page]");
    const heads = [...root.querySelectorAll("th")];
    let order = { column: -1, down: false };
    let shown = rows;
    let page = 0;

    function settle() {
      const asked = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      shown = rows.filter((it) =>
        (!only || !only.checked || isMarked(it)) &&
        asked.every((word) => fields.some((field) => String(field(it) ?? "").toLowerCase().includes(word))));
      if (order.column >= 0) {
        const key = keys[order.column];
        const way = order.down ? -1 : 1;
        shown = shown.map((it, nth) => [it, nth]).sort((one, other) => {
          const a = key(one[0]) ?? "", b = key(other[0]) ?? "";
          const found = typeof a === "number" && typeof b === "number" ? a - b : String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0;
          return found * way || one[1] - other[1];
        }).map((it) => it[0]);
      }
      page = 0;
      draw();
    }
    function draw(all) {
      const pages = Math.max(1, Math.ceil(shown.length / PAGE));
      page = Math.min(Math.max(page, 0), pages - 1);
      const some = all ? shown.slice(0, 5000) : shown.slice(page * PAGE, (page + 1) * PAGE);
      body.replaceChildren(...some.map(row));
      told.textContent = fill(words.shown_of, shown.length.toLocaleString("en"), rows.length.toLocaleString("en")) +
        " · " + fill(words.page, page + 1, pages);
      back.disabled = page === 0;
      forth.disabled = page === pages - 1;
    }
    heads.forEach((head, nth) => {
      const button = head.querySelector("button");
      if (!button) return;
      button.addEventListener("click", () => {
        order = { column: nth, down: order.column === nth && !order.down };
        heads.forEach((it) => it.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", order.down ? "descending" : "ascending");
        settle();
      });
    });
    let waiting;
    search.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(settle, 120); });
    if (only) only.addEventListener("change", settle);
    back.addEventListener("click", () => { page -= 1; draw(); });
    forth.addEventListener("click", () => { page += 1; draw(); });
    addEventListener("beforeprint", () => draw(true));
    addEventListener("afterprint", () => draw());
    root.querySelectorAll("[hidden]").forEach((it) => { it.hidden = false; });
    draw();
    return { ask(text) { search.value = text; settle(); } };
  }

  const S = data.sessions, C = data.commands;
  // Rows come in order of time; a time of which only the end is known does not sort by its text.
  [S, C].forEach((rows) => rows.forEach((it, nth) => { it.nth = nth; }));
  const playButton = (session, seq) => {
    const it = make("button", "▶", "play");
    it.type = "button";
    it.setAttribute("aria-label", words.play + " " + S[session][0] + (seq ? " #" + seq : ""));
    it.addEventListener("click", () => player.open(session, seq));
    return it;
  };
  const user = (it) => data.users[it[2]];
  const owner = (nth) => data.owners[S[nth][2]];
  const name = (nth) => data.names[S[nth][2]];
  const target = (nth) => data.targets[S[nth][3]];
  const rules = (it) => it[6].map((nth) => data.rules[nth]).join(", ");

  const commands = Table(document.getElementById("commands"),
    [(it) => it.nth, (it) => name(it[0]), (it) => target(it[0]), user, (it) => it[3], (it) => it[4], (it) => S[it[0]][0]],
    [(it) => it[7] || S[it[0]][1], (it) => owner(it[0]), (it) => target(it[0]), user, (it) => it[3], rules, (it) => S[it[0]][0]],
    C, (it) => {
      const row = make("tr");
      row.append(make("td", it[7] || S[it[0]][1], "when"), make("td", name(it[0])), make("td", target(it[0]), "id"), make("td", user(it)));
      const text = make("td", it[3], "code");
      it[6].forEach((nth) => text.append(" ", make("span", data.rules[nth], "tag")));
      if (it[5]) text.append(" ", make("span", it[5], "tag"));
      row.append(text, make("td", it[4] + " %", "num"));
      const session = make("td", null, "id");
      session.append(S[it[0]][0] + " ");
      if (data.lines[it[0]]) session.append(playButton(it[0], it[1]));
      row.append(session);
      return row;
    }, (it) => it[6].length > 0);

  Table(document.getElementById("sessions"),
    [(it) => it.nth, (it) => data.owners[it[2]], (it) => data.targets[it[3]], (it) => it[4], (it) => it[5], (it) => it[0]],
    [(it) => it[1], (it) => data.owners[it[2]], (it) => data.targets[it[3]], (it) => it[5], (it) => it[0]],
    S, (it) => {
      const nth = it.nth;
      const row = make("tr");
      row.append(make("td", it[1], "when"), make("td", data.owners[it[2]]), make("td", data.targets[it[3]], "id"), make("td", String(it[4]), "num"), make("td", it[5]));
      const id = make("td", null, "id");
      const link = make("a", it[0]);
      link.href = "#commands";
      link.addEventListener("click", () => commands.ask(it[0]));
      id.append(link, " ");
      if (data.lines[nth]) id.append(playButton(nth, 0));
      row.append(id);
      return row;
    }, (it) => it[6] > 0);

  // The player. Lines are [kind, text, seqs of the commands that begin here, what marks those, time where it changes].
  const player = (function () {
    const root = document.getElementById("player");
    const screen = document.getElementById("screen");
    const pick = root.querySelector("select[name=session]");
    const speed = root.querySelector("select[name=speed]");
    const go = root.querySelector("button[name=go]");
    const told = document.getElementById("player-told");
    let lines = [], times = [], at = 0, typed = 0, timer = null, element = null, session = -1;
    const ids = Object.keys(data.lines).map(Number).sort((a, b) => a - b);
    ids.forEach((nth) => {
      const it = make("option", S[nth][1] + "  " + name(nth) + "  " + S[nth][0]);
      it.value = nth;
      pick.append(it);
    });
    function say() {
      if (session < 0) return;
      told.textContent = S[session][0] + " · " + S[session][1] + " · " + Math.min(at, lines.length) + "/" + lines.length + (times[at - 1] ? " · " + times[at - 1] : "") + " · " + data.paces[session];
    }
    function end(line) {
      if (line[3]) element.append(make("em", " [" + line[3] + "]"));
      element.append("\n");
    }
    function put(line) {
      const kind = line[0] === "i" ? "typed" : line[0] === "o" ? "" : "gone";
      element = make("span", line[1], kind);
      end(line);
      screen.append(element);
      while (screen.childNodes.length > 3000) screen.firstChild.remove();
    }
    function follow() { screen.scrollTop = screen.scrollHeight; }
    function step() {
      timer = null;
      if (at >= lines.length) { pause(); told.textContent = words.player_end; return; }
      const line = lines[at];
      let wait = 40;
      if (line[0] === "i" && line[1].length < 400) {
        if (typed === 0) { element = make("span", "", "typed"); screen.append(element); }
        typed += 1;
        element.textContent = line[1].slice(0, typed);
        wait = 45;
        if (typed >= line[1].length) { end(line); typed = 0; at += 1; wait = 350; }
      } else {
        put(line);
        at += 1;
      }
      follow();
      say();
      timer = setTimeout(step, wait / Number(speed.value));
    }
    function pause() { clearTimeout(timer); timer = null; go.textContent = words.play; go.setAttribute("aria-pressed", "false"); }
    function run() { if (session < 0 && ids.length) load(ids[0]); go.textContent = words.player_pause; go.setAttribute("aria-pressed", "true"); step(); }
    function load(nth) {
      pause();
      session = nth; lines = data.lines[nth] || []; at = 0; typed = 0;
      let time = "";
      times = lines.map((it) => (time = it[4] || time));
      screen.replaceChildren();
      pick.value = nth;
      say();
    }
    // Shows everything before this line at once.
    function seek(to) {
      pause();
      at = Math.min(Math.max(to, 0), lines.length); typed = 0;
      screen.replaceChildren();
      lines.slice(Math.max(0, at - 1000), at).forEach(put);
      follow();
      say();
    }
    const starts = () => lines.map((it, nth) => (it[2] && it[2].length ? nth : -1)).filter((it) => it >= 0);
    go.addEventListener("click", () => (timer ? pause() : run()));
    root.querySelector("button[name=next]").addEventListener("click", () => {
      const next = starts().find((it) => it >= at);
      if (next !== undefined) { seek(next); put(lines[next]); at = next + 1; follow(); say(); }
    });
    root.querySelector("button[name=previous]").addEventListener("click", () => {
      const last = starts().filter((it) => it < at - 1).pop();
      if (last !== undefined) { seek(last); put(lines[last]); at = last + 1; follow(); say(); }
    });
    pick.addEventListener("change", () => load(Number(pick.value)));
    root.hidden = ids.length === 0;
    return {
      open(nth, seq) {
        load(nth);
        if (seq) { const found = lines.findIndex((it) => it[2] && it[2].includes(seq)); if (found >= 0) seek(found); }
        root.scrollIntoView();
        go.focus({ preventScroll: true });
        run();
      },
    };
  })();

  document.querySelectorAll("button[data-play]").forEach((it) => {
    it.hidden = false;
    it.addEventListener("click", () => player.open(Number(it.dataset.play), Number(it.dataset.seq)));
  });
})();
