// The page where a person lets an app into an account, the same for all CRMs: choose the account,
// approve or deny, go back to the app with a code. Owns the redirect rules; must not issue anything but
// codes. A redirect goes only where the app registered, or to this machine when it registered nothing.
import { Hono } from 'hono'
import { html } from 'hono/html'
import type { Account, Connector } from './account.ts'
import type { RegisteredApp } from './accounts.ts'
import type { Env, World } from '../world.ts'
import { isLoopbackUrl } from './loopback.ts'

/** Codes are good for this long. */
const codeLifetimeMs = 60_000

const titles = { hubspot: 'HubSpot', salesforce: 'Salesforce', netsuite: 'NetSuite' }

const carried = [
  'client_id',
  'redirect_uri',
  'scope',
  'optional_scope',
  'state',
  'code_challenge',
  'code_challenge_method',
] as const

interface Asked {
  readonly app: RegisteredApp
  readonly redirectUri: string
  readonly parameters: Readonly<Record<string, string>>
}

/** GET shows the page, POST takes the answer; both at `path`. */
export function consentRoutes(world: World, connector: Connector, path: string): Hono<Env> {
  const app = new Hono<Env>()
  const title = titles[connector]

  app.get(path, (context) => {
    const asked = readAsked(world, connector, context.req.query())
    if (typeof asked === 'string') return context.html(page(title, html`<p role="alert">${asked}</p>`), 400)
    const preselected = context.req.param('portal') ?? context.req.query('account')
    const accounts = world.accounts.all(connector)
    return context.html(page(title, form(asked, accounts, preselected)))
  })

  app.post(path, async (context) => {
    const body = Object.fromEntries(
      Object.entries(await context.req.parseBody()).filter(
        (entry): entry is [string, string] => typeof entry[1] === 'string',
      ),
    )
    const asked = readAsked(world, connector, body)
    if (typeof asked === 'string') return context.html(page(title, html`<p role="alert">${asked}</p>`), 400)
    const back = new URL(asked.redirectUri)
    if (asked.parameters['state'] !== undefined) back.searchParams.set('state', asked.parameters['state'])
    if (body['decision'] !== 'approve') {
      back.searchParams.set('error', 'access_denied')
      return context.redirect(back.href, 302)
    }
    const account = world.accounts.find(body['account'] ?? '')
    if (account?.connector !== connector) {
      return context.html(page(title, html`<p role="alert">Choose an account.</p>`), 400)
    }
    back.searchParams.set('code', issueCode(world, asked, account))
    // NetSuite says whom the code is for: https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_158081944642.html
    if (connector === 'netsuite') {
      for (const [name, value] of [
        ['company', account.id],
        ['role', '3'],
        ['entity', '-5'],
      ] as const)
        back.searchParams.set(name, value)
    }
    world.store.commit()
    return context.redirect(back.href, 302)
  })

  return app
}

function readAsked(world: World, connector: Connector, parameters: Readonly<Record<string, string>>): Asked | string {
  const app = world.accounts.app(connector, parameters['client_id'] ?? '')
  if (!app) return 'The client id is not known here.'
  const redirectUri = parameters['redirect_uri'] ?? ''
  const allowed = app.redirectUris.length > 0 ? app.redirectUris.includes(redirectUri) : isLoopbackUrl(redirectUri)
  if (!allowed) return 'The redirect URI is not one this app registered.'
  const state = parameters['state'] ?? ''
  if (connector === 'netsuite' && (state.length < 22 || state.length > 1024)) {
    return 'The state needs 22 to 1024 characters.'
  }
  if ((parameters['code_challenge_method'] ?? 'S256') !== 'S256')
    return 'Only the code challenge method S256 is accepted.'
  return { app, redirectUri, parameters }
}

function issueCode(world: World, asked: Asked, account: Account): string {
  const { app, redirectUri, parameters } = asked
  const codeChallenge = parameters['code_challenge']
  const token = world.tokens.issue(
    {
      kind: 'code',
      account,
      app,
      // Every account here can give the optional ones too.
      scopes: `${parameters['scope'] ?? ''} ${parameters['optional_scope'] ?? ''}`
        .split(/[\s,]+/)
        .filter((scope) => scope !== ''),
      lifetimeMs: codeLifetimeMs,
      redirectUri,
      ...(codeChallenge ? { codeChallenge } : {}),
    },
    (letters) => `code-${letters.slice(0, 32)}`,
  )
  return token.value
}

function form(asked: Asked, accounts: readonly Account[], preselected: string | undefined): ReturnType<typeof html> {
  return html`<h1>Connect ${asked.app.name}</h1>
    <p>${asked.app.name} asks to read and change the records of one account.</p>
    <form method="post">
      ${carried.map((name) =>
        asked.parameters[name] === undefined
          ? ''
          : html`<input type="hidden" name="${name}" value="${asked.parameters[name]}" />`,
      )}
      <label for="account">Account</label>
      <select id="account" name="account" required>
        ${accounts.map(
          ({ id, name }) =>
            html`<option value="${id}" ${id === preselected ? 'selected' : ''}>${name} (${id})</option>`,
        )}
      </select>
      <button name="decision" value="approve">Connect app</button>
      <button name="decision" value="deny" formnovalidate>Cancel</button>
    </form>`
}

function page(title: string, content: ReturnType<typeof html>): ReturnType<typeof html> {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>${title} sandbox: connect an app</title>
        <style>
          body {
            font:
              16px/1.5 system-ui,
              sans-serif;
            max-width: 32rem;
            margin: 4rem auto;
            padding: 0 1rem;
          }
          label,
          select,
          button {
            display: block;
            margin-top: 1rem;
            font: inherit;
          }
          select,
          button {
            width: 100%;
            padding: 0.5rem;
          }
        </style>
      </head>
      <body>
        <p>${title} sandbox</p>
        ${content}
      </body>
    </html>`
}
