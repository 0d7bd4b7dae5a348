// Choosing which columns are which fields of one object, beside the page: chosen from what both sides have, told at its row what is
// wrong, said before what it comes to, and taken back with one click while nothing was read by it yet.
import type { Connection, ObjectMappingItem } from '@rowhouse/contracts'
import { useQuery } from '@tanstack/react-query'
import type { JSX } from 'react'
import { mappingQuery } from '../app/api.ts'
import { Leavable } from '../parts/opens.tsx'
import { Failure, Loading } from '../parts/parts.tsx'
import { SidePanel } from '../parts/side-panel.tsx'
import { connectorWords } from '../words/connection.ts'
import { MappingForm } from './mapping-form.tsx'
import { columnsQuery, schemaQuery } from './queries.ts'

export type Edited = Pick<Connection, 'id' | 'organizationId' | 'connector'>

export interface MappingEditorProps {
  readonly connection: Edited
  readonly mapping: ObjectMappingItem
  readonly onClose: () => void
}

export function MappingEditor({ connection, mapping, onClose }: MappingEditorProps): JSX.Element {
  const { id, organizationId, connector } = connection
  const { object, table } = mapping
  const all = useQuery(mappingQuery(organizationId, id))
  const schema = useQuery(schemaQuery(organizationId, id, object))
  const columns = useQuery(columnsQuery(organizationId, id, table))
  const { name: crm } = connectorWords(connector)
  const failed = [all, schema, columns].find(({ data, error }) => data === undefined && error !== null)
  return (
    <Leavable onLeave={onClose}>
      <SidePanel isWide label={`Fields of ${object}`} title={`Fields of ${object}`} id={object} onClose={onClose}>
        <div className="px-5 pb-8">
          <p className="mt-1 text-ink-2">
            <span className="code">{table}</span> here, {schema.data?.label ?? object} in {crm}.
          </p>
          {all.data !== undefined && schema.data !== undefined && columns.data !== undefined ? (
            <MappingForm
              connection={connection}
              before={all.data.objects.find((one) => one.object === object) ?? mapping}
              all={all.data}
              choices={{
                table,
                columns: columns.data,
                schema: schema.data,
                objects: all.data.objects.map((one) => one.object),
                crm,
              }}
              onClose={onClose}
            />
          ) : failed === undefined ? (
            <Loading lines={6} label={`Reading what ${crm} has`} />
          ) : (
            <div className="mt-4">
              <Failure error={failed.error} onRetry={() => void failed.refetch()} />
            </div>
          )}
        </div>
      </SidePanel>
    </Leavable>
  )
}
