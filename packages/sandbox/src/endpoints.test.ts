// Every endpoint that a simulation answers has a line in a fidelity table of docs/sandbox.md, every line that names one names
// one that is there, and each is called with success: by a client that others wrote, or by a plain request below.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSandbox } from './sandbox.ts'
import type { Sandbox } from './sandbox.ts'
import { hubspotCalls, netsuiteCalls, salesforceCalls } from './test-client-calls.ts'
import { hubspotRequests, netsuiteRequests, salesforceRequests } from './test-plain-requests.ts'

const docs = readFileSync(join(import.meta.dirname, '../../../docs/sandbox.md'), 'utf8')

const simulations = [
  { connector: 'hubspot', title: 'HubSpot', base: '', calls: hubspotCalls, requests: hubspotRequests },
  {
    connector: 'salesforce',
    title: 'Salesforce',
    base: '/services/data/{version}',
    calls: salesforceCalls,
    requests: salesforceRequests,
  },
  {
    connector: 'netsuite',
    title: 'NetSuite',
    base: '/services/rest',
    calls: netsuiteCalls,
    requests: netsuiteRequests,
  },
] as const

/** Paths that mean the same, as the docs name them. */
const folded: readonly (readonly [RegExp, string])[] = [
  [/^\/crm\/(?:v3\/objects|objects\/2026-03)(?=\/[^/]+\/[^/]+\/associations\/)/, '/crm/v4/objects'],
  [/^\/crm\/objects\/2026-03/, '/crm/v3/objects'],
  [/^\/crm\/properties\/2026-03/, '/crm/v3/properties'],
  [/^\/crm\/associations\/2026-03/, '/crm/v4/associations'],
  [/^\/crm-object-schemas\/(?:v3|2026-03)\/schemas/, '/crm/v3/schemas'],
  // An account's own domain at NetSuite.
  [/^\/(?::portal|[\w-]+)(?=\/(?:services\/rest|app)\/)/, ''],
]

const fold = (path: string): string => folded.reduce((text, [form, name]) => text.replace(form, name), path)
/** With one word for every placeholder, whatever it is called. */
const shape = (path: string): string => path.replaceAll(/:\w+(?:\{[^}]*\})?|\{[\w]+\}/g, '{}').replace(/(.)\/$/, '$1')

const endpointsOf = (sandbox: Sandbox, connector: (typeof simulations)[number]['connector']): string[] => [
  ...new Set(
    sandbox.endpoints(connector).map((endpoint) => {
      const [method = '', path = ''] = endpoint.split(' ')
      return `${method} ${shape(fold(path))}`
    }),
  ),
]

/** `GET PUT …/a/{b,c}/{id}` → four endpoints. */
function spelledOut(line: string, base: string): string[] {
  const [, methods = '', path = ''] = /^((?:[A-Z]+ )+)(\S+)$/.exec(line) ?? []
  const choice = /\{([^{}]*,[^{}]*)\}/.exec(path)
  if (choice?.[1] !== undefined)
    return choice[1].split(',').flatMap((one) => spelledOut(`${methods}${path.replace(choice[0], one)}`, base))
  return methods
    .trim()
    .split(' ')
    .map((method) => `${method} ${shape(path.replace('…', base))}`)
}

function documented(title: string, base: string): string[] {
  const section = docs.slice(docs.indexOf(`\n### ${title}\n`, docs.indexOf('## Fidelity')) + 1)
  const table = section.slice(0, section.indexOf('\nWeaker than'))
  return table
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .flatMap((line) => [
      ...(line.split(' | ')[0] ?? '').matchAll(/`((?:(?:GET|POST|PUT|PATCH|DELETE|OPTIONS) )+[^`]+)`/g),
    ])
    .flatMap(([, line = '']) => spelledOut(line, base))
}

/** The endpoint that a path is of; more exact ones come first. */
function matched(endpoints: readonly string[], method: string, path: string): string | undefined {
  const given = fold(path)
    .replace(/(.)\/$/, '$1')
    .split('/')
  const fits = (endpoint: string): boolean => {
    const [known = '', pattern = ''] = endpoint.split(' ')
    const parts = pattern.split('/')
    return (
      known === method &&
      parts.length === given.length &&
      parts.every((part, index) => part === '{}' || part === given[index])
    )
  }
  const exactness = (endpoint: string): number => endpoint.split('{}').length
  return endpoints.filter((endpoint) => fits(endpoint)).toSorted((a, b) => exactness(a) - exactness(b))[0]
}

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox()
})
afterAll(() => sandbox.close())

describe.each(simulations)('every endpoint of $title', ({ connector, title, base, calls, requests }) => {
  it('has a line in its fidelity table, and every line an endpoint', () => {
    const endpoints = endpointsOf(sandbox, connector)
    const lines = documented(title, base)
    expect(endpoints.filter((endpoint) => !lines.includes(endpoint))).toEqual([])
    expect(lines.filter((line) => !endpoints.includes(line))).toEqual([])
    expect(lines.filter((line, index) => lines.indexOf(line) !== index)).toEqual([])
  })

  it('is called with success', async () => {
    const endpoints = endpointsOf(sandbox, connector)
    for (const [, call] of calls(sandbox)) await call()
    const answered = (await requests(sandbox)).map(({ method, path }) => ({ method, path }))
    const log = await fetch(`${sandbox.url}/_sandbox/requests`)
    const { requests: logged } = (await log.json()) as {
      requests: { method: string; path: string; status: number }[]
    }
    const done = [...answered, ...logged.filter(({ status }) => status >= 200 && status < 400)]
    const called = new Set(done.map(({ method, path }) => matched(endpoints, method, path)))
    expect(endpoints.filter((endpoint) => !called.has(endpoint))).toEqual([])
  })

  it('would be missed, if its line were gone', () => {
    const lines = documented(title, base)
    const [first = '', ...others] = lines
    expect(endpointsOf(sandbox, connector).filter((endpoint) => !others.includes(endpoint))).toEqual([first])
  })
})
