// What rows can be planted in: tables, columns, keys, references, checks and the types behind them, read from a
// scratch database (or, for detection alone, from the source: it reads the catalogue only).
import type { ClientBase } from 'pg'

import { plantableSql, typesOfColumnsSql } from '../../generated/catalogue.ts'
import { inReadOnlySnapshot } from '../read-catalogue.ts'

export interface ColumnShape {
  readonly name: string
  /** The type's oid. */
  readonly type: string
  readonly typmod: number
  /** As Postgres writes it: `character varying(12)`. */
  readonly text: string
  readonly notNull: boolean
  readonly identity: string
  readonly generated: boolean
  readonly default: string | null
  /** The sequence that belongs to the column. */
  readonly sequence: string | null
}

export interface Reference {
  readonly name: string
  /** The referenced table's oid. */
  readonly table: string
  readonly columns: readonly string[]
  readonly targets: readonly string[]
}

export interface TableShape {
  readonly schema: string
  readonly name: string
  readonly oid: string
  readonly partitioned: boolean
  readonly columns: readonly ColumnShape[]
  readonly references: readonly Reference[]
  readonly checks: readonly { name: string; definition: string; columns: readonly string[] }[]
  readonly uniques: readonly { name: string; primary: boolean; columns: readonly string[] }[]
  /** What a row of each leaf partition satisfies. */
  readonly bounds: readonly (string | null)[]
  /** Triggers that fire even in replica mode, with the state to give them back. */
  readonly triggers: readonly { name: string; enabled: 'A' | 'R' }[]
}

export interface TypeShape {
  readonly oid: string
  readonly name: string
  readonly text: string
  readonly kind: string
  readonly element: string | null
  readonly base: string | null
  readonly typmod: number
  readonly notNull: boolean
  readonly subtype: string | null
  readonly range: string | null
  readonly labels: readonly string[] | null
  readonly attributes: readonly { type: string; typmod: number; name: string }[] | null
  readonly checks: readonly string[] | null
}

export interface Shapes {
  readonly tables: readonly TableShape[]
  readonly types: ReadonlyMap<string, TypeShape>
}

/** `public.contacts`, the name a table goes by in models, overrides and reports. */
export const tableName = ({ schema, name }: Pick<TableShape, 'schema' | 'name'>): string => `${schema}.${name}`

/** Reads shapes; no user table is touched. */
export async function describeTables(client: ClientBase): Promise<Shapes> {
  return inReadOnlySnapshot(client, async () => {
    const { rows: tables } = await client.query<TableShape>(plantableSql)
    const { rows: types } = await client.query<TypeShape>(typesOfColumnsSql)
    return {
      tables: tables.map((table) => ({ ...table, columns: table.columns ?? [] })),
      types: new Map(types.map((type) => [type.oid, type])),
    }
  })
}
