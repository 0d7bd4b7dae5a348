// A page for people at /: the accounts, how many records each has, and the records themselves. Reads
// only; answers to this machine only, like the control API.
import { Hono } from 'hono'
import { html } from 'hono/html'
import { isLoopbackHost } from '../oauth/loopback.ts'
import type { Env, World } from '../world.ts'
import type { Control } from './control.ts'

const rowsMax = 100
const columnsOf: Readonly<Record<string, readonly string[]>> = {
  contacts: ['firstname', 'lastname', 'email', 'phone', 'jobtitle'],
  companies: ['name', 'domain', 'industry', 'numberofemployees'],
  Contact: ['FirstName', 'LastName', 'Email', 'Phone', 'Title'],
  Account: ['Name', 'Website', 'Industry', 'NumberOfEmployees'],
  customer: ['entityId', 'companyName', 'email', 'phone', 'lastModifiedDate'],
  contact: ['entityId', 'firstName', 'lastName', 'email', 'phone'],
  salesOrder: ['tranId', 'tranDate', 'memo', 'total'],
  inventoryItem: ['itemId', 'displayName', 'basePrice'],
}

export function overviewRoutes(world: World, control: Control): Hono<Env> {
  const app = new Hono<Env>()
  app.get('/', (context) => {
    if (!isLoopbackHost(context.env.incoming.socket.remoteAddress ?? '')) return context.notFound()
    const account = world.accounts.find(context.req.query('account') ?? '')
    const object = context.req.query('object') ?? ''
    const simulation = account && control.simulation(account)
    const known = account && simulation?.objects(account).includes(object)
    return context.html(
      page(list(world, control), known ? table(object, simulation!.records(account, object, false)) : html``),
    )
  })
  return app
}

type Html = ReturnType<typeof html>

function list(world: World, control: Control): Html {
  const accounts = world.accounts.all()
  if (accounts.length === 0) return html`<p>No accounts yet: POST /_sandbox/accounts.</p>`
  return html`<table>
    <thead>
      <tr>
        <th>CRM</th>
        <th>Account</th>
        <th>Id</th>
        <th>Records</th>
        <th>Requests</th>
      </tr>
    </thead>
    <tbody>
      ${accounts.map(
        (account) =>
          html`<tr>
            <td>${account.connector}</td>
            <td>${account.name}</td>
            <td>${account.id}</td>
            <td>
              ${control
                .simulation(account)
                .objects(account)
                .map(
                  (object) =>
                    html`<a href="?account=${account.id}&object=${object}"
                      >${control.simulation(account).count(account, object)} ${object}</a
                    > `,
                )}
            </td>
            <td>${world.requests.of(account.id).length}</td>
          </tr>`,
      )}
    </tbody>
  </table>`
}

function table(object: string, records: readonly Record<string, unknown>[]): Html {
  const columns = columnsOf[object] ?? []
  const valueOf = (record: Record<string, unknown>, column: string): string => {
    const values = (record['properties'] ?? record) as Record<string, unknown>
    const value = values[column]
    return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
  }
  const shown = records.slice(-rowsMax).toReversed()
  return html`<h2>${object}: the newest ${shown.length} of ${records.length}</h2>
    <table>
      <thead>
        <tr>
          ${columns.map((column) => html`<th>${column}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${shown.map(
          (record) =>
            html`<tr>
              ${columns.map((column) => html`<td>${valueOf(record, column)}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>`
}

function page(...content: readonly Html[]): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>Rowhouse sandbox</title>
        <style>
          body {
            font:
              15px/1.5 system-ui,
              sans-serif;
            margin: 2rem;
          }
          table {
            border-collapse: collapse;
            margin-bottom: 2rem;
          }
          th,
          td {
            text-align: left;
            padding: 0.25rem 1rem 0.25rem 0;
            border-bottom: 1px solid #ddd;
          }
        </style>
      </head>
      <body>
        <h1>Rowhouse sandbox</h1>
        ${content}
      </body>
    </html>`
}
