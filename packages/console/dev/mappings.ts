// What the fixture's accounts have and which of it is synced; another choice can be made while a connection is paused. In memory.
import type {
  Connection,
  Endpoints,
  ErrorCode,
  ObjectMappingItem,
  RemoteSchemaItem,
  ResponseOf,
} from '@rowhouse/contracts'
import { fieldKind } from '@rowhouse/contracts'
import { mappingOf } from './fixtures.ts'

type Mapping = ResponseOf<Endpoints['getMapping']>
type Columns = ResponseOf<Endpoints['listMappingColumns']>

export interface Mappings {
  get(connection: Connection): Mapping
  set(connection: Connection, body: { readonly objects?: unknown; readonly version?: unknown }): Connection
  schema(object: string): RemoteSchemaItem
  columns(table: string): Columns
}

const fields: readonly [string, string, RemoteSchemaItem['fields'][number]['kind']][] = [
  ['email', 'E-mail', 'email'],
  ['firstname', 'First name', 'text'],
  ['lastname', 'Last name', 'text'],
  ['jobtitle', 'Job title', 'text'],
  ['phone', 'Phone number', 'text'],
  ['date_of_birth', 'Date of birth', 'date'],
  ['score', 'Score of the lead', 'number'],
  ['lastmodifieddate', 'Last modified', 'instant'],
  ['Preferred_Channel_Of_Communication__c', 'Preferred channel of communication', 'choice'],
]
const texts = fieldKind.options
const columns: readonly [string, string, Columns['items'][number]['kinds']][] = [
  ['company_id', 'uuid', texts.filter((kind) => kind !== 'number')],
  ['created_at', 'timestamp with time zone', ['instant']],
  ['email', 'text', texts],
  ['first_name', 'text', texts],
  ['last_name', 'text', texts],
  ['location', 'point', []],
  ['preferred_channel_of_communication', 'text', texts],
  ['title', 'text', texts],
]

/** @param refuse answers with a code */
export function mappingsOf(refuse: (code: ErrorCode) => never): Mappings {
  const chosen = new Map<string, Mapping>()
  const get = (connection: Connection): Mapping =>
    chosen.get(connection.id) ?? { version: 1, objects: mappingOf(connection) }
  return {
    get,
    set(connection, { objects, version }) {
      if (connection.state !== 'paused') refuse('connection_wrong_state')
      const before = get(connection)
      if (version !== undefined && version !== before.version) refuse('mapping_changed')
      chosen.set(connection.id, { version: before.version + 1, objects: objects as ObjectMappingItem[] })
      return connection
    },
    schema: (object) => ({
      object,
      remoteName: `${object}s`,
      label: object === 'contact' ? 'Contact' : 'Company',
      custom: false,
      fields: fields.map(([name, label, kind]) => ({
        name,
        label,
        kind,
        custom: name.endsWith('__c'),
        required: false,
        unique: name === 'email',
        readOnly: name === 'lastmodifieddate',
        options: null,
      })),
      references: [
        { name: 'company', label: 'Primary company', object: 'company', custom: false, required: false },
        { name: 'deal', label: 'Deal', object: 'deal', custom: false, required: false },
      ],
    }),
    columns: (table) => ({
      items: table === 'contacts' ? columns.map(([column, type, kinds]) => ({ column, type, kinds: [...kinds] })) : [],
    }),
  }
}
