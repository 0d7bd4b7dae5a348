// What an account has, and what of it is synced into which tables.
import { z } from 'zod'
import { endpoint } from '../endpoint.ts'
import { connection } from './connections.ts'
import { mappingChoice, objectMapping } from './object-mapping.ts'

/** How values of a field are compared: on both sides in one form of text. */
export const fieldKind = z
  .enum(['text', 'email', 'domain', 'number', 'boolean', 'instant', 'date', 'choice', 'choices', 'json'])
  .meta({ id: 'FieldKind' })

export const remoteObject = z
  .object({
    /** The name that a mapping uses. */
    object: z.string(),
    /** As the CRM names it, e.g. `contacts`, `Machine__c`. */
    remoteName: z.string(),
    label: z.string(),
    custom: z.boolean(),
  })
  .meta({ id: 'RemoteObject' })
export type RemoteObjectItem = z.infer<typeof remoteObject>

export const remoteSchema = remoteObject
  .extend({
    fields: z.array(
      z.object({
        name: z.string(),
        label: z.string(),
        kind: fieldKind,
        custom: z.boolean(),
        required: z.boolean(),
        unique: z.boolean(),
        readOnly: z.boolean(),
        /** What a pick list knows; null for other fields. */
        options: z.array(z.object({ value: z.string(), label: z.string() })).nullable(),
      }),
    ),
    references: z.array(
      z.object({
        name: z.string(),
        label: z.string(),
        /** The object it leads to, by the name that a mapping uses. */
        object: z.string(),
        custom: z.boolean(),
        required: z.boolean(),
      }),
    ),
  })
  .meta({ id: 'RemoteSchema' })
export type RemoteSchemaItem = z.infer<typeof remoteSchema>

const mapped = z.object({
  /** Grows with every change. */
  version: z.int(),
  objects: z.array(objectMapping),
})

export const listRemoteSchemas = endpoint({
  id: 'listRemoteSchemas',
  method: 'GET',
  path: '/v1/organizations/:organizationId/connections/:connectionId/remote-schemas',
  summary: 'The objects an account has, custom ones included; asks the CRM',
  tag: 'connections',
  access: { permission: 'connections.manage' },
  audit: null,
  response: z.object({ items: z.array(remoteObject) }),
  errors: ['organization_not_found', 'connection_not_found', 'credentials_refused', 'connector_unreachable'],
})

export const getRemoteSchema = endpoint({
  id: 'getRemoteSchema',
  method: 'GET',
  path: '/v1/organizations/:organizationId/connections/:connectionId/remote-schemas/:object',
  summary: 'The fields and references of one object of an account; asks the CRM',
  tag: 'connections',
  access: { permission: 'connections.manage' },
  audit: null,
  response: remoteSchema,
  errors: [
    'organization_not_found',
    'connection_not_found',
    'remote_object_not_found',
    'credentials_refused',
    'connector_unreachable',
  ],
})

export const getMapping = endpoint({
  id: 'getMapping',
  method: 'GET',
  path: '/v1/organizations/:organizationId/connections/:connectionId/mapping',
  summary: 'What is synced, into which tables and columns',
  tag: 'connections',
  access: { permission: 'connections.read' },
  audit: null,
  response: mapped,
  errors: ['organization_not_found', 'connection_not_found'],
})

export const listMappingColumns = endpoint({
  id: 'listMappingColumns',
  method: 'GET',
  path: '/v1/organizations/:organizationId/connections/:connectionId/mapping/columns/:table',
  summary: 'The columns of a table here, and which kinds of fields each holds as they are',
  tag: 'connections',
  access: { permission: 'connections.manage' },
  audit: null,
  response: z.object({
    /** Without those that the database sets; none for a table that is not there. */
    items: z.array(
      z.object({
        column: z.string(),
        /** As Postgres names it. */
        type: z.string(),
        /** None: it cannot be synced. */
        kinds: z.array(fieldKind),
      }),
    ),
  }),
  errors: ['organization_not_found', 'connection_not_found'],
})

export const setMapping = endpoint({
  id: 'setMapping',
  method: 'PUT',
  path: '/v1/organizations/:organizationId/connections/:connectionId/mapping',
  summary: 'Choose what is synced, while the connection is paused; resuming reads everything anew',
  tag: 'connections',
  access: { permission: 'connections.manage' },
  audit: 'connection.map',
  body: z.object({
    objects: mappingChoice,
    /** Of the mapping that was read: another one by now is not written over. @default whichever it is */
    version: z.int().optional(),
  }),
  response: connection,
  errors: [
    'organization_not_found',
    'connection_not_found',
    'connection_wrong_state',
    'mapping_invalid',
    'mapping_changed',
    'credentials_refused',
    'connector_unreachable',
  ],
})
