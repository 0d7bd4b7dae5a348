// What a connection's account has, and what of it is synced. Changing a mapping is a person's decision and takes two
// steps that cannot be one: the home forgets how far it had read, then the catalogue holds the new mapping. Either alone
// is harmless: what is read anew only repeats, and a base of another mapping version is no base.
import { RowhouseError, fieldKind } from '@rowhouse/contracts'
import type { Connection, ObjectMappingItem, RemoteSchemaItem } from '@rowhouse/contracts'
import type { Connector, FieldKind, ObjectMapping, RemoteObject } from '@rowhouse/connectors'
import type { Pool } from 'pg'
import type { Rowhouse } from 'rowhouse'
import { callsPerRound, pollIntervalMs } from '../budget/poll-pace.ts'
import { forgetReading } from '../home/cursors.ts'
import { readColumns } from '../mapping/columns.ts'
import { holds, isOwnColumn } from '../mapping/map-object.ts'
import { resolveMapping } from '../mapping/mapping.ts'
import type { Connections } from './connections.ts'
import { readConnection, readUnits, writeMapping } from './store.ts'

export interface MappingsContext {
  readonly pool: Pool
  readonly rowhouse: Rowhouse
  readonly connectors: ReadonlyMap<string, Connector>
  readonly connections: Connections
  readonly shortestPollMs: number
  readonly onChange: () => void
}

export class Mappings {
  readonly #context: MappingsContext

  constructor(context: MappingsContext) {
    this.#context = context
  }

  /** @throws RowhouseError connection_not_found, credentials_refused, connector_unreachable, connector_failed */
  async objects(organizationId: string, id: string): Promise<readonly RemoteObject[]> {
    const stored = await readConnection(this.#context.pool, id, organizationId)
    return this.#context.connections.ask(stored, (connector, http) => connector.objects(http))
  }

  /** @throws RowhouseError as `objects`, and remote_object_not_found */
  async schema(organizationId: string, id: string, object: string): Promise<RemoteSchemaItem> {
    const stored = await readConnection(this.#context.pool, id, organizationId)
    const schema = await this.#context.connections.ask(stored, (connector, http) => connector.schema(http, object))
    if (schema === null)
      throw new RowhouseError('remote_object_not_found', undefined, { details: { object: object.slice(0, 200) } })
    const { remoteName, label, custom } = schema
    return {
      object: schema.object,
      remoteName,
      label,
      custom,
      fields: schema.fields.map((field) => ({
        ...field,
        options: field.options?.map((option) => ({ ...option })) ?? null,
      })),
      references: schema.references.map((reference) => ({
        name: reference.name,
        label: reference.label,
        object: reference.object,
        custom: reference.custom,
        required: reference.required,
      })),
    }
  }

  /** What is synced now. @throws RowhouseError connection_not_found */
  async get(organizationId: string, id: string): Promise<{ version: number; objects: ObjectMappingItem[] }> {
    const stored = await readConnection(this.#context.pool, id, organizationId)
    return {
      version: stored.mappingVersion,
      objects: stored.mapping.map(({ object, table, fields, references, matchBy }) => ({
        object,
        table,
        fields: fields.map(({ column, field }) => ({ column, field })),
        references: references.map(({ column, reference }) => ({ column, reference })),
        matchBy: [...matchBy],
      })),
    }
  }

  /**
   * The columns of a table of the organization, and what each holds as it is; none for a table that is not there.
   *
   * @throws RowhouseError connection_not_found
   */
  async columns(
    organizationId: string,
    id: string,
    table: string,
  ): Promise<{ column: string; type: string; kinds: FieldKind[] }[]> {
    const { pool, rowhouse } = this.#context
    await readConnection(pool, id, organizationId)
    const rows = await readColumns(rowhouse.as({ organizationId, service: 'sync' }), [table])
    return rows
      .filter(({ column_name: column }) => !isOwnColumn(column))
      .map(({ column_name: column, type }) => ({
        column,
        type,
        kinds: fieldKind.options.filter((kind) => holds(type, kind)),
      }))
      .toSorted((a, b) => (a.column < b.column ? -1 : 1))
  }

  /**
   * Chooses what is synced. Only while the connection is paused and no worker holds it: then nobody writes by the old
   * mapping. When it is resumed, every object is read anew and matched before anything is sent; links stay.
   *
   * @param version of the mapping that the choice was made from; without it, whichever there is
   * @throws RowhouseError connection_not_found, connection_wrong_state, mapping_changed, mapping_invalid, and as `objects`
   */
  async set(
    organizationId: string,
    id: string,
    objects: readonly ObjectMapping[],
    version?: number,
  ): Promise<Connection> {
    const { connections, connectors, onChange, pool, rowhouse, shortestPollMs } = this.#context
    const stored = await readConnection(pool, id, organizationId)
    const connector = connectors.get(stored.connector)
    if (connector === undefined) throw new RowhouseError('connector_unknown')
    if (stored.state !== 'paused')
      throw new RowhouseError('connection_wrong_state', `A connection that is ${stored.state} keeps its mapping.`, {
        details: { state: stored.state },
        hint: 'Pause it first: rowhouse connection pause',
      })
    if (version !== undefined && version !== stored.mappingVersion)
      throw new RowhouseError('mapping_changed', undefined, { details: { version: stored.mappingVersion } })
    const mapping = await resolveMapping(
      connector,
      rowhouse.as({ organizationId, service: 'sync' }),
      { schema: (object) => connections.ask(stored, (asked, http) => asked.schema(http, object)) },
      objects,
    )
    const held = (await readUnits(pool, id)).filter(({ leased }) => leased)
    if (held.length > 0)
      throw new RowhouseError('connection_wrong_state', 'A worker is still finishing what it had begun.', {
        details: { lanes: held.map(({ lane }) => lane) },
        hint: 'Try again in a moment.',
      })
    await forgetReading(
      rowhouse.as({ organizationId, connectionId: id }),
      id,
      mapping.map(({ object }) => object),
    )
    const callsOfRound = callsPerRound(connector, mapping.length)
    const intervalMs = pollIntervalMs(connector.describe().budgets, null, callsOfRound, shortestPollMs)
    await writeMapping(pool, id, stored.mappingVersion, mapping, intervalMs)
    onChange()
    return connections.get(organizationId, id)
  }
}
