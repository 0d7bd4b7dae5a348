// One endpoint is one value: method, path, who may call it, what it audits, what goes in and comes
// out. The server implements it, the client calls it, /openapi.json describes it. An endpoint without
// a choice of access and audit does not compile.
import type { z } from 'zod'
import type { ErrorCode } from './error-codes/index.ts'

/**
 * Who may call:
 * `public`: anybody · `signed_in`: any person, API key or operator · `operator`: operators only ·
 * a permission: operators, and members of the organization in the path whose role has it · `per: 'connection'`: also who
 * has it for the connection of the path alone; where the path names none, who has it for any, and the handler looks which.
 */
export type Access =
  | 'public'
  | 'signed_in'
  | 'operator'
  | { readonly permission: Permission; readonly per?: undefined }
  | { readonly permission: ConnectionPermission; readonly per: 'connection' }

/** Permissions that may be granted for one connection: `connections.manage:<id>`. Who manages one also sees it. */
export const connectionPermissions = ['connections.read', 'connections.manage'] as const
export type ConnectionPermission = (typeof connectionPermissions)[number]

/** Permissions a role may have; `roles.permissions` holds these words. */
export const permissions = [
  'organization.read',
  'organization.manage',
  'members.read',
  'members.manage',
  'roles.manage',
  'connections.read',
  'connections.manage',
  'activity.read',
  'data.read',
  'data.write',
  'data.manage',
] as const
export type Permission = (typeof permissions)[number]

type ParamsOf<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | ParamsOf<`/${Rest}`>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never

export interface Endpoint<
  Path extends string = string,
  Query extends z.ZodType | undefined = z.ZodType | undefined,
  Body extends z.ZodType | undefined = z.ZodType | undefined,
  Response extends z.ZodType = z.ZodType,
> {
  readonly id: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Parameters as `:name`. */
  readonly path: Path
  readonly summary: string
  readonly tag: string
  readonly access: Access
  /** Action recorded in the audit log; null for reads. */
  readonly audit: string | null
  readonly query: Query
  readonly body: Body
  readonly response: Response
  /** Codes beyond those any endpoint may answer with. */
  readonly errors: readonly ErrorCode[]
}

export type PathParams<E> = E extends { path: infer Path extends string }
  ? { readonly [Name in ParamsOf<Path>]: string }
  : never
export type QueryOf<E> = E extends { query: infer Query extends z.ZodType } ? z.input<Query> : undefined
export type BodyOf<E> = E extends { body: infer Body extends z.ZodType } ? z.input<Body> : undefined
export type ResponseOf<E> = E extends { response: infer Response extends z.ZodType } ? z.output<Response> : never

interface EndpointDefinition<Path extends string, Query, Body, Response> {
  readonly id: string
  readonly method: Endpoint['method']
  readonly path: Path
  readonly summary: string
  readonly tag: string
  readonly access: Access
  readonly audit: string | null
  readonly query?: Query
  readonly body?: Body
  readonly response: Response
  readonly errors?: readonly ErrorCode[]
}

/** Declares an endpoint. */
export function endpoint<
  const Path extends string,
  Response extends z.ZodType,
  Query extends z.ZodType | undefined = undefined,
  Body extends z.ZodType | undefined = undefined,
>(definition: EndpointDefinition<Path, Query, Body, Response>): Endpoint<Path, Query, Body, Response> {
  return {
    ...definition,
    query: definition.query as Query,
    body: definition.body as Body,
    errors: definition.errors ?? [],
  }
}

/**
 * Whether words of permissions, such as a membership's, allow something; of a connection also when it is granted alone.
 * It says what to show: the database decides.
 */
export function allows(words: readonly string[], permission: Permission, connectionId?: string): boolean {
  if (words.includes('*') || words.includes(permission)) return true
  if (connectionId === undefined) return false
  if (words.includes(`${permission}:${connectionId}`)) return true
  return permission === 'connections.read' && allows(words, 'connections.manage', connectionId)
}
