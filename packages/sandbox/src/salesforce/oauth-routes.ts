// Salesforce's login: OAuth (code, refresh with optional rotation, password), userinfo, identity,
// revocation, and the SOAP login that jsforce still knows. Owns bodies and errors; tokens.ts has tokens.
// https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_web_server_flow.htm
import { createHmac, timingSafeEqual } from 'node:crypto'
import { Hono } from 'hono'
import type { Context } from 'hono'
import { Refusal } from '../http/refusal.ts'
import { accessTokenLifetimeMs } from '../oauth/editions.ts'
import type { Account } from '../oauth/account.ts'
import type { RegisteredApp } from '../oauth/accounts.ts'
import { consentRoutes } from '../oauth/consent.ts'
import { logGrant } from '../oauth/grant-log.ts'
import { verifierMatches } from '../oauth/tokens.ts'
import type { Token } from '../oauth/tokens.ts'
import type { Env, World } from '../world.ts'
import { passwordOf, userIdOf, userName } from './fixture-user.ts'

export function oauthRoutes(world: World): Hono<Env> {
  const app = new Hono<Env>()
  app.route('/', consentRoutes(world, 'salesforce', '/services/oauth2/authorize'))

  app.post('/services/oauth2/token', async (context) => {
    const form = Object.fromEntries(new URLSearchParams(await context.req.text()))
    const answer = logGrant(world, context, form, () => grant(world, authenticate(world, form), form))
    world.store.commit()
    return context.json(answer)
  })
  app.post('/services/oauth2/introspect', async (context) => {
    const form = Object.fromEntries(new URLSearchParams(await context.req.text()))
    const client = authenticate(world, form)
    const token = world.tokens.find(form['token'] ?? '', 'access', 'refresh')
    if (!token || token.clientId !== client.clientId || world.tokens.state(token) !== 'valid')
      return context.json({ active: false })
    const account = world.accounts.find(token.account)!
    return context.json({
      active: true,
      scope: token.scopes.join(' '),
      client_id: token.clientId,
      username: userName(account),
      sub: identityUrl(world, account),
      token_type: token.kind === 'access' ? 'access_token' : 'refresh_token',
      ...(token.expiresAt === null ? {} : { exp: Math.floor(token.expiresAt / 1000) }),
      iat: Math.floor(token.issuedAt / 1000),
    })
  })
  const revoke = async (context: Context<Env>): Promise<Response> => {
    const form = context.req.method === 'POST' ? new URLSearchParams(await context.req.text()) : undefined
    const token = world.tokens.find(form?.get('token') ?? context.req.query('token') ?? '', 'access', 'refresh')
    if (!token || token.connector !== 'salesforce')
      throw refuse('unsupported_token_type', 'this token type is not supported')
    // A refresh token takes the access tokens of its grant along.
    if (token.kind === 'refresh') world.tokens.revokeFamily(token)
    else world.tokens.spend(token)
    world.store.commit()
    return context.body(null, 200)
  }
  app.post('/services/oauth2/revoke', revoke)
  app.get('/services/oauth2/revoke', revoke)

  app.get('/services/oauth2/userinfo', (context) => {
    const account = session(world, context)
    return context.json({
      ...identity(world, account),
      sub: identityUrl(world, account),
      preferred_username: userName(account),
      name: 'Sandbox Admin',
    })
  })
  app.get('/id/:organization/:user', (context) => {
    const account = session(world, context)
    if (world.accounts.find(context.req.param('organization'))?.id !== account.id) throw new Refusal(403, 'Wrong_Org')
    return context.json({
      ...identity(world, account),
      id: identityUrl(world, account),
      username: userName(account),
      display_name: 'Sandbox Admin',
      urls: {
        rest: `${world.origin()}/services/data/v{version}/`,
        sobjects: `${world.origin()}/services/data/v{version}/sobjects/`,
      },
    })
  })

  app.post('/services/Soap/u/:version', async (context) => {
    const envelope = await context.req.text()
    const header = { 'content-type': 'text/xml; charset=utf-8' }
    if (/<logout[\s/>]/.test(envelope)) {
      const token = world.tokens.find(element(envelope, 'sessionId'), 'access')
      if (token) world.tokens.spend(token)
      world.store.commit()
      return context.body(soap('<logoutResponse/>'), 200, header)
    }
    const account = signIn(world, element(envelope, 'username'), element(envelope, 'password'))
    if (!account) {
      const fault = 'INVALID_LOGIN: Invalid username, password, security token; or user locked out.'
      return context.body(
        soap(`<soapenv:Fault><faultcode>INVALID_LOGIN</faultcode><faultstring>${fault}</faultstring></soapenv:Fault>`),
        500,
        header,
      )
    }
    const app = { appId: 0, clientId: 'soap' }
    const token = issueAccess(world, account, app, [])
    world.store.commit()
    const serverUrl = `${world.origin()}/services/Soap/u/${context.req.param('version')}/${account.id}`
    return context.body(soap(loginResult(account, token, serverUrl)), 200, header)
  })
  return app
}

function grant(world: World, app: RegisteredApp, form: Readonly<Record<string, string>>): Record<string, unknown> {
  switch (form['grant_type'] ?? '') {
    case 'authorization_code': {
      const code = world.tokens.find(form['code'] ?? '', 'code')
      if (!code || code.clientId !== app.clientId) throw refuse('invalid_grant', 'invalid authorization code')
      if (world.tokens.state(code) !== 'valid') throw refuse('invalid_grant', 'expired authorization code')
      if (code.redirectUri !== form['redirect_uri'])
        throw refuse('redirect_uri_mismatch', 'redirect_uri must match configuration')
      if (!verifierMatches(code, form['code_verifier'])) throw refuse('invalid_grant', 'invalid code verifier')
      world.tokens.spend(code)
      const account = world.accounts.find(code.account)!
      const refreshToken = issueRefresh(world, account, app, code.scopes)
      return { ...answer(world, account, app, code.scopes, refreshToken.value), refresh_token: refreshToken.value }
    }
    case 'refresh_token': {
      const token = world.tokens.find(form['refresh_token'] ?? '', 'refresh')
      if (!token && app.reuseRevokesGrant && world.tokens.revokeReused(form['refresh_token'] ?? ''))
        world.store.commit()
      if (!token || token.clientId !== app.clientId || world.tokens.state(token) !== 'valid') {
        throw refuse('invalid_grant', 'expired access/refresh token')
      }
      const account = world.accounts.find(token.account)!
      const body = answer(world, account, app, token.scopes, token.value)
      if (!app.rotateRefreshTokens) return body
      const next = issueRefresh(world, account, app, token.scopes, token.value)
      world.tokens.rotate(token)
      return { ...body, refresh_token: next.value }
    }
    case 'password': {
      const account = signIn(world, form['username'] ?? '', form['password'] ?? '')
      if (!account) throw refuse('invalid_grant', 'authentication failure')
      return answer(world, account, app, [])
    }
    default:
      throw refuse('unsupported_grant_type', 'grant type not supported')
  }
}

function authenticate(world: World, form: Readonly<Record<string, string>>): RegisteredApp {
  const app = world.accounts.app('salesforce', form['client_id'] ?? '')
  if (!app) throw refuse('invalid_client_id', 'client identifier invalid')
  const [given, wanted] = [Buffer.from(form['client_secret'] ?? ''), Buffer.from(app.clientSecret)]
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted))
    throw refuse('invalid_client', 'invalid client credentials')
  return app
}

function refuse(error: string, description: string): Refusal {
  return new Refusal(400, { error, error_description: description })
}

function answer(
  world: World,
  account: Account,
  app: RegisteredApp,
  scopes: readonly string[],
  parent?: string,
): Record<string, unknown> {
  const token = issueAccess(world, account, app, scopes, parent)
  const id = identityUrl(world, account)
  const issuedAt = String(token.issuedAt)
  return {
    access_token: token.value,
    instance_url: world.origin(),
    id,
    token_type: 'Bearer',
    issued_at: issuedAt,
    signature: createHmac('sha256', app.clientSecret)
      .update(id + issuedAt)
      .digest('base64'),
    ...(scopes.length > 0 ? { scope: scopes.join(' ') } : {}),
  }
}

function issueAccess(
  world: World,
  account: Account,
  app: Pick<RegisteredApp, 'appId' | 'clientId'>,
  scopes: readonly string[],
  parent?: string,
): Token {
  const lifetimeMs = accessTokenLifetimeMs(account)
  return world.tokens.issue(
    { kind: 'access', account, app, scopes, lifetimeMs, ...(parent === undefined ? {} : { parent }) },
    (letters) => `${account.id.slice(0, 15)}!AQ${letters}`,
  )
}

function issueRefresh(
  world: World,
  account: Account,
  app: RegisteredApp,
  scopes: readonly string[],
  parent?: string,
): Token {
  return world.tokens.issue(
    { kind: 'refresh', account, app, scopes, lifetimeMs: null, ...(parent === undefined ? {} : { parent }) },
    (letters) => `5Aep861${letters}`,
  )
}

function signIn(world: World, username: string, password: string): Account | undefined {
  const account = world.accounts.all('salesforce').find((candidate) => userName(candidate) === username.toLowerCase())
  return account && passwordOf(world, account) === password ? account : undefined
}

function session(world: World, context: Context<Env>): Account {
  const value =
    /^(?:Bearer|OAuth) (.+)$/i.exec(context.req.header('authorization') ?? '')?.[1] ??
    context.req.query('oauth_token') ??
    ''
  const token = world.tokens.find(value, 'access', 'static')
  if (!token || token.connector !== 'salesforce' || world.tokens.state(token) !== 'valid')
    throw new Refusal(403, 'Bad_OAuth_Token')
  return world.accounts.find(token.account)!
}

function identityUrl(world: World, account: Account): string {
  return `${world.origin()}/id/${account.id}/${userIdOf(account)}`
}

function identity(world: World, account: Account): Record<string, unknown> {
  return {
    user_id: userIdOf(account),
    organization_id: account.id,
    email: userName(account),
    active: true,
    instance_url: world.origin(),
  }
}

function element(xml: string, name: string): string {
  const text = new RegExp(`<(?:\\w+:)?${name}>([^<]*)</`).exec(xml)?.[1] ?? ''
  const entities: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' }
  return text.replace(/&(lt|gt|quot|apos|amp);/g, (_whole, entity: string) => entities[entity] ?? '')
}

function soap(content: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com"><soapenv:Body>${content}</soapenv:Body></soapenv:Envelope>`
}

function loginResult(account: Account, token: Token, serverUrl: string): string {
  const userInfo = `<userInfo><organizationId>${account.id}</organizationId><userId>${userIdOf(account)}</userId></userInfo>`
  return `<loginResponse><result><passwordExpired>false</passwordExpired><serverUrl>${serverUrl}</serverUrl><sessionId>${token.value}</sessionId><userId>${userIdOf(account)}</userId>${userInfo}</result></loginResponse>`
}
