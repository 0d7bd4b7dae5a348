// The files of one self-hosted Supabase, made from those that Supabase publishes (supabase/supabase, folder docker): a copy with
// secrets and ports of its own, and a second compose file over it. Supabase's compose names its containers, publishes its
// pooler on POSTGRES_PORT and its database not at all; so two of them on one machine need other names and ports, and whoever
// wants the database itself needs it published, here on loopback only.
import { createHmac, randomBytes } from 'node:crypto'

import { RowhouseError } from '@rowhouse/contracts'

/** Ports that one project takes, one after the other. */
export const PORTS_PER_PROJECT = 5
const TEN_YEARS_SECONDS = 315_360_000

export interface ProjectPorts {
  /** Where the database is published. */
  readonly database: number
  /** POSTGRES_PORT: inside the containers, and of the pooler outside. */
  readonly postgres: number
  readonly pooler: number
  readonly http: number
  readonly https: number
}

export const portsFrom = (base: number): ProjectPorts => ({
  database: base,
  postgres: base + 1,
  pooler: base + 2,
  http: base + 3,
  https: base + 4,
})

/** A key of the project's API, as its services verify it: HS256 over the project's own secret. */
function apiKey(role: 'anon' | 'service_role', secret: string, nowSeconds: number): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({
    role,
    iss: 'supabase',
    iat: nowSeconds,
    exp: nowSeconds + TEN_YEARS_SECONDS,
  })}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

/**
 * The `.env` of a project: every variable of the template, those that are secrets, names or ports replaced.
 *
 * @param template the text of `.env.example`
 */
export function environmentOf(
  template: string,
  project: { readonly name: string; readonly password: string; readonly ports: ProjectPorts; readonly nowMs: number },
): string {
  const { name, password, ports, nowMs } = project
  const hex = (bytes: number): string => randomBytes(bytes).toString('hex')
  const jwtSecret = hex(20)
  const seconds = Math.floor(nowMs / 1000)
  const site = `http://127.0.0.1:${ports.http}`
  const values: Readonly<Record<string, string>> = {
    POSTGRES_PASSWORD: password,
    POSTGRES_PORT: String(ports.postgres),
    JWT_SECRET: jwtSecret,
    ANON_KEY: apiKey('anon', jwtSecret, seconds),
    SERVICE_ROLE_KEY: apiKey('service_role', jwtSecret, seconds),
    DASHBOARD_PASSWORD: hex(16),
    SECRET_KEY_BASE: hex(32),
    VAULT_ENC_KEY: hex(16),
    PG_META_CRYPTO_KEY: hex(16),
    LOGFLARE_PUBLIC_ACCESS_TOKEN: hex(32),
    LOGFLARE_PRIVATE_ACCESS_TOKEN: hex(32),
    S3_PROTOCOL_ACCESS_KEY_ID: hex(16),
    S3_PROTOCOL_ACCESS_KEY_SECRET: hex(32),
    MINIO_ROOT_PASSWORD: hex(16),
    POOLER_TENANT_ID: name,
    POOLER_PROXY_PORT_TRANSACTION: String(ports.pooler),
    KONG_HTTP_PORT: String(ports.http),
    KONG_HTTPS_PORT: String(ports.https),
    SUPABASE_PUBLIC_URL: site,
    API_EXTERNAL_URL: site,
  }
  return template
    .split('\n')
    .map((line) => {
      const variable = /^([A-Z][A-Z0-9_]*)=/.exec(line)?.[1]
      const value = variable === undefined ? undefined : values[variable]
      return value === undefined ? line : `${variable}=${value}`
    })
    .join('\n')
}

/**
 * The compose file that goes over Supabase's.
 *
 * @throws RowhouseError compose_failed when the template has no service `db`
 */
export function overrideOf(template: string, name: string, ports: ProjectPorts): string {
  const services = servicesOf(template)
  if (!services.has('db')) {
    throw new RowhouseError('compose_failed', 'docker-compose.yml of the template has no service named db.')
  }
  const lines = [`name: ${name}`, 'services:']
  for (const [service, container] of services) {
    const extra = [
      ...(container === null ? [] : [`    container_name: ${name}-${service}`]),
      ...(service === 'db' ? ['    ports:', `      - "127.0.0.1:${ports.database}:${ports.postgres}"`] : []),
      // Others of the project call it by the name that its container had; Realtime reads its tenant from it.
      ...(container?.includes('.') === true
        ? ['    networks:', '      default:', '        aliases:', `          - ${container}`]
        : []),
    ]
    if (extra.length > 0) lines.push(`  ${service}:`, ...extra)
  }
  return `${lines.join('\n')}\n`
}

/** Services and the names of their containers, as Supabase indents them: two spaces a level. */
function servicesOf(template: string): Map<string, string | null> {
  const services = new Map<string, string | null>()
  let inServices = false
  let service = ''
  for (const line of template.split('\n')) {
    if (/^\S/.test(line) && !line.startsWith('#')) inServices = /^services:\s*$/.test(line)
    if (!inServices) continue
    const named = /^ {2}([a-z0-9_-]+):\s*$/.exec(line)?.[1]
    if (named !== undefined) services.set((service = named), null)
    const container = /^ {4}container_name:\s*["']?([\w.-]+)["']?\s*$/.exec(line)?.[1]
    if (container !== undefined) services.set(service, container)
  }
  return services
}
