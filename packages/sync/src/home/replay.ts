// Replays a dead letter: the record is due again, and its letter goes when it has been done.
import { RowhouseError } from '@rowhouse/contracts'
import type { Organization } from 'rowhouse'
import type { Direction } from './marks.ts'

export interface Replayed {
  readonly connectionId: string
  readonly direction: Direction
}

const ID = /^\d{1,18}$/

/** @throws RowhouseError dead_letter_not_found */
export async function replayDeadLetter(organization: Organization, id: string): Promise<Replayed> {
  const { rows } = await organization.query<{ connection_id: string; direction: Direction }>(
    `with letter as (
       select l.connection_id, l.direction, l.object, l.record_key
       from rowhouse_home.sync_dead_letters l where l.id = $1
     ),
     marked as (
       insert into rowhouse_home.sync_marks as m (connection_id, direction, object, record_id)
       select connection_id, direction, object, record_key from letter
       on conflict (organization_id, connection_id, direction, object, record_id) do update
       set generation = m.generation + 1, due_at = '-infinity', attempts = 0, waits_for = null
     )
     select connection_id, direction from letter`,
    [ID.test(id) ? id : '-1'],
  )
  const [row] = rows
  if (row === undefined) throw new RowhouseError('dead_letter_not_found', `There is no dead letter ${id}.`)
  return { connectionId: row.connection_id, direction: row.direction }
}
