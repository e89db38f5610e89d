// What another implementation of IAM's evaluation says of policies: iam-simulate, by cloud-copilot.
//
// Usage: node simulate.mjs NODE_MODULES CASES. CASES holds a list of { policy, onResource, context }; what is said of each is printed as a
// list of { identity, resource } with "Allowed", "ExplicitlyDenied", "ImplicitlyDenied" and so on, or { error }.
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { join } from 'node:path'

const [modules, cases] = process.argv.slice(2)
const entry = join(modules, '@cloud-copilot/iam-simulate/dist/esm/index.js')
const { runSimulation } = await import(pathToFileURL(entry))

const all = { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: '*', Resource: '*' } }
const out = []
for (const { policy, onResource, context, principal, resource, owner } of JSON.parse(readFileSync(cases))) {
  const said = await runSimulation({
    request: { principal, action: 's3:PutObject', resource: { resource, accountId: owner }, contextVariables: context },
    identityPolicies: [{ name: 'own', policy: onResource ? all : policy }],
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    resourcePolicy: onResource ? policy : undefined,
  }, {})
  const analysis = said.result?.analysis
  out.push(analysis
    ? { identity: analysis.identityAnalysis?.result, resource: analysis.resourceAnalysis?.result, overall: said.overallResult }
    : { error: JSON.stringify(said).slice(0, 500) })
}
process.stdout.write(JSON.stringify(out))
