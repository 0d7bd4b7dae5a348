// HubSpot's token endpoints, of both generations: v1 and 2026-03. Owns the bodies and their errors;
// tokens.ts has the tokens. Refresh tokens do not rotate at HubSpot.
// https://developers.hubspot.com/docs/api-reference/latest/authentication/manage-oauth-tokens
import { timingSafeEqual } from 'node:crypto'
import { Hono } from 'hono'
import type { Context } from 'hono'
import { accessTokenLifetimeMs } from '../oauth/editions.ts'
import type { Account } from '../oauth/account.ts'
import type { RegisteredApp } from '../oauth/accounts.ts'
import { consentRoutes } from '../oauth/consent.ts'
import { logGrant } from '../oauth/grant-log.ts'
import { verifierMatches } from '../oauth/tokens.ts'
import type { Token } from '../oauth/tokens.ts'
import { Refusal } from '../http/refusal.ts'
import type { Env, World } from '../world.ts'
import { notFound } from './errors.ts'

/** The person who consents, the same in every portal. */
const userId = 100_001

export function oauthRoutes(world: World): Hono<Env> {
  const app = new Hono<Env>()
  app.route('/', consentRoutes(world, 'hubspot', '/oauth/authorize'))
  app.route('/', consentRoutes(world, 'hubspot', '/oauth/:portal/authorize'))

  for (const version of ['v1', 'v3', '2026-03']) {
    app.post(`/oauth/${version}/token`, async (context) => {
      const form = await readForm(context)
      const answer = logGrant(world, context, form, () => grant(world, authenticate(world, form), form))
      world.store.commit()
      return context.json(answer)
    })
    // Documentation and changelog place these two differently; both places answer.
    for (const base of [`/oauth/${version}/token`, `/oauth/${version}`]) {
      app.post(`${base}/introspect`, async (context) => {
        const form = await readForm(context)
        const client = authenticate(world, form)
        const token = world.tokens.find(form['token'] ?? '', 'access', 'refresh')
        if (!token || token.clientId !== client.clientId || world.tokens.state(token) !== 'valid') {
          return context.json({ active: false })
        }
        return context.json({
          active: true,
          ...describe(world, token),
          client_id: token.clientId,
          token_use: `${token.kind}_token`,
        })
      })
      app.post(`${base}/revoke`, async (context) => {
        const form = await readForm(context)
        const client = authenticate(world, form)
        const token = world.tokens.find(form['token'] ?? '', 'access', 'refresh')
        if (token && token.clientId === client.clientId) world.tokens.spend(token)
        world.store.commit()
        return context.body(null, 204)
      })
    }
  }

  app.get('/oauth/v1/access-tokens/:token', (context) => {
    const token = world.tokens.find(context.req.param('token'), 'access', 'static')
    if (!token || token.connector !== 'hubspot' || world.tokens.state(token) !== 'valid')
      throw notFound('Token not found')
    return context.json({ ...describe(world, token), token: token.value, token_type: 'access' })
  })
  app.get('/oauth/v1/refresh-tokens/:token', (context) => {
    const token = world.tokens.find(context.req.param('token'), 'refresh')
    if (!token || token.connector !== 'hubspot' || world.tokens.state(token) !== 'valid')
      throw notFound('Token not found')
    return context.json({
      ...describe(world, token),
      client_id: token.clientId,
      token: token.value,
      token_type: 'refresh',
    })
  })
  app.delete('/oauth/v1/refresh-tokens/:token', (context) => {
    const token = world.tokens.find(context.req.param('token'), 'refresh')
    if (token?.connector === 'hubspot') world.tokens.spend(token)
    world.store.commit()
    return context.body(null, 204)
  })
  return app
}

async function readForm(context: Context<Env>): Promise<Record<string, string>> {
  return Object.fromEntries(new URLSearchParams(await context.req.text()))
}

function refuse(status: string, error: string, message: string, code = 400): Refusal {
  return new Refusal(code, { status, message, error, error_description: message })
}

function authenticate(world: World, form: Readonly<Record<string, string>>): RegisteredApp {
  const app = world.accounts.app('hubspot', form['client_id'] ?? '')
  if (!app) throw refuse('BAD_CLIENT_ID', 'invalid_client', 'missing or unknown client id', 401)
  const [given, wanted] = [Buffer.from(form['client_secret'] ?? ''), Buffer.from(app.clientSecret)]
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
    throw refuse('BAD_CLIENT_SECRET', 'invalid_client', 'missing or invalid client secret', 401)
  }
  return app
}

function grant(world: World, app: RegisteredApp, form: Readonly<Record<string, string>>): Record<string, unknown> {
  const type = form['grant_type']
  if (type === 'authorization_code') return exchangeCode(world, app, form)
  if (type === 'refresh_token') return refresh(world, app, form)
  throw refuse('BAD_GRANT_TYPE', 'unsupported_grant_type', 'missing or unknown grant type')
}

function exchangeCode(
  world: World,
  app: RegisteredApp,
  form: Readonly<Record<string, string>>,
): Record<string, unknown> {
  const code = world.tokens.find(form['code'] ?? '', 'code')
  if (!code || code.clientId !== app.clientId || world.tokens.state(code) !== 'valid') {
    throw refuse('BAD_AUTH_CODE', 'invalid_grant', 'missing or unknown auth code')
  }
  if (code.redirectUri !== form['redirect_uri']) {
    throw refuse('BAD_REDIRECT_URI', 'invalid_grant', 'missing or invalid redirect uri')
  }
  if (!verifierMatches(code, form['code_verifier'])) {
    throw refuse('BAD_CODE_VERIFIER', 'invalid_grant', 'missing or invalid code verifier')
  }
  world.tokens.spend(code)
  const account = world.accounts.find(code.account)!
  const refreshToken = world.tokens.issue(
    { kind: 'refresh', account, app, scopes: code.scopes, lifetimeMs: null },
    (letters) => `na1-${letters.slice(0, 36)}`,
  )
  return answer(world, account, app, refreshToken)
}

function refresh(world: World, app: RegisteredApp, form: Readonly<Record<string, string>>): Record<string, unknown> {
  const token = world.tokens.find(form['refresh_token'] ?? '', 'refresh')
  if (!token || token.clientId !== app.clientId || world.tokens.state(token) !== 'valid') {
    throw refuse('BAD_REFRESH_TOKEN', 'invalid_grant', 'missing or invalid refresh token')
  }
  return answer(world, world.accounts.find(token.account)!, app, token)
}

function answer(world: World, account: Account, app: RegisteredApp, refreshToken: Token): Record<string, unknown> {
  const lifetimeMs = accessTokenLifetimeMs(account)
  const access = world.tokens.issue(
    { kind: 'access', account, app, scopes: refreshToken.scopes, lifetimeMs, parent: refreshToken.value },
    (letters) => `C${letters}`,
  )
  return {
    token_type: 'bearer',
    access_token: access.value,
    refresh_token: refreshToken.value,
    expires_in: Math.floor(lifetimeMs / 1000),
    hub_id: Number(account.id),
    user_id: userId,
    scopes: refreshToken.scopes,
    token_use: 'access_token',
  }
}

function describe(world: World, token: Token): Record<string, unknown> {
  const left =
    token.expiresAt === null ? {} : { expires_in: Math.max(0, Math.floor((token.expiresAt - world.now()) / 1000)) }
  return {
    hub_id: Number(token.account),
    user_id: userId,
    app_id: token.appId,
    scopes: token.scopes,
    user: `owner@portal-${token.account}.example`,
    hub_domain: `portal-${token.account}.example`,
    ...left,
  }
}
