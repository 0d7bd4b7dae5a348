// /openapi.json: OpenAPI 3.1 made from the contracts, so it cannot say anything else than the server does.
import {
  auditExportPath,
  auditExportQuery,
  auditLine,
  endpoints,
  errorBody,
  errorCodes,
  eventsPath,
  serverEvent,
} from '@rowhouse/contracts'
import type { Endpoint, ErrorCode } from '@rowhouse/contracts'
import { z } from 'zod'

type Json = Readonly<Record<string, unknown>>

/** Codes any endpoint may answer with. */
const common: readonly ErrorCode[] = ['validation_failed', 'internal', 'database_unreachable']
const signedIn: readonly ErrorCode[] = [
  'unauthenticated',
  'jwt_invalid',
  'jwt_expired',
  'operator_key_wrong',
  'rate_limited',
]

export function openapiDocument(publicUrl: string): Json {
  const schemas: Record<string, unknown> = {}
  const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): Json => {
    const { $schema: _, $defs = {}, ...own } = z.toJSONSchema(schema, { io, target: 'draft-2020-12' })
    for (const [id, definition] of Object.entries($defs)) schemas[id] ??= relink(definition)
    const id = z.globalRegistry.get(schema)?.id
    if (id === undefined) return relink(own) as Json
    schemas[id] ??= relink({ ...own, id: undefined })
    return { $ref: `#/components/schemas/${id}` }
  }
  schemaOf(errorBody, 'output')

  const paths: Record<string, Record<string, unknown>> = {}
  for (const endpoint of Object.values(endpoints) as Endpoint[]) {
    const path = endpoint.path.replaceAll(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [endpoint.method.toLowerCase()]: operation(endpoint, schemaOf) }
  }
  paths[auditExportPath.replaceAll(/:(\w+)/g, '{$1}')] = {
    get: exportOperation(schemaOf(auditLine, 'output'), schemaOf(auditExportQuery, 'input')),
  }
  paths[eventsPath] = { get: eventsOperation(schemaOf(serverEvent, 'output')) }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Rowhouse',
      version: '1',
      description: 'The control plane of Rowhouse: organizations, their connections and their changes.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: publicUrl }],
    tags: [...new Set(Object.values(endpoints).map(({ tag }) => tag)), 'events'].map((name) => ({ name })),
    paths,
    components: {
      schemas,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'The operator key, or an access token of the issuer.' },
        session: { type: 'apiKey', in: 'cookie', name: 'rowhouse_session' },
      },
    },
  }
}

function operation(endpoint: Endpoint, schemaOf: (schema: z.ZodType, io: 'input' | 'output') => Json): Json {
  const pathParameters = [...endpoint.path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
  return {
    operationId: endpoint.id,
    summary: endpoint.summary,
    tags: [endpoint.tag],
    ...(typeof endpoint.access === 'object'
      ? {
          description: `Needs the permission ${endpoint.access.permission}${endpoint.access.per === 'connection' ? ', which may be granted for one connection' : ''}.`,
        }
      : {}),
    security: endpoint.access === 'public' ? [] : [{ bearer: [] }, { session: [] }],
    parameters: [
      ...pathParameters,
      ...(endpoint.query === undefined ? [] : queryParameters(schemaOf(endpoint.query, 'input'))),
    ],
    ...(endpoint.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: schemaOf(endpoint.body, 'input') } },
          },
        }),
    responses: {
      '200': {
        description: 'Done.',
        content: { 'application/json': { schema: schemaOf(endpoint.response, 'output') } },
      },
      ...errorResponses([
        ...common,
        ...(endpoint.access === 'public' ? [] : signedIn),
        ...(typeof endpoint.access === 'object' || endpoint.access === 'operator'
          ? (['permission_denied'] as const)
          : []),
        ...endpoint.errors,
      ]),
    },
  }
}

function eventsOperation(schema: Json): Json {
  return {
    operationId: 'streamEvents',
    summary: 'Live changes of the organizations the caller sees, as server-sent events',
    tags: ['events'],
    security: [{ bearer: [] }, { session: [] }],
    parameters: [
      { name: 'organizationId', in: 'query', required: false, schema: { type: 'string', format: 'uuid' } },
      { name: 'Last-Event-ID', in: 'header', required: false, schema: { type: 'string' } },
    ],
    responses: {
      '200': { description: 'Each `data:` is one event.', content: { 'text/event-stream': { schema } } },
      ...errorResponses([...signedIn, 'organization_not_found', 'permission_denied', 'internal']),
    },
  }
}

function exportOperation(line: Json, query: Json): Json {
  return {
    operationId: 'exportAuditLog',
    summary:
      'The lines of the audit log that a filter chooses, newest first, as a file; one that breaks off was not whole',
    tags: ['activity'],
    description: 'Needs the permission activity.read.',
    security: [{ bearer: [] }, { session: [] }],
    parameters: [
      { name: 'organizationId', in: 'path', required: true, schema: { type: 'string' } },
      ...queryParameters(query),
    ],
    responses: {
      '200': {
        description: 'One `AuditLine` a line, or a row of CSV each.',
        content: { 'application/jsonl': { schema: line }, 'text/csv': { schema: { type: 'string' } } },
      },
      ...errorResponses([...common, ...signedIn, 'organization_not_found', 'permission_denied']),
    },
  }
}

function queryParameters(schema: Json): unknown[] {
  const properties = (schema['properties'] ?? {}) as Record<string, unknown>
  const required = (schema['required'] ?? []) as readonly string[]
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }))
}

/** One response per status, naming the codes that have it. */
function errorResponses(codes: readonly ErrorCode[]): Record<string, unknown> {
  const byStatus = Map.groupBy(new Set(codes), (code) => errorCodes[code].status)
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      String(status),
      {
        description: codes.map((code) => `\`${code}\`: ${errorCodes[code].message}`).join(' '),
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
      },
    ]),
  )
}

/** JSON Schema's definitions live in the document's components. */
function relink(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(relink)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, item]) => item !== undefined && !(key === 'id' && typeof item === 'string'))
      .map(([key, item]) => [
        key,
        key === '$ref' && typeof item === 'string' ? item.replace('#/$defs/', '#/components/schemas/') : relink(item),
      ]),
  )
}
