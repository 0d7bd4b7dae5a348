// The fence: a unit's epoch, in the home's own database. A worker that was frozen past its lease finds a
// later epoch here and its transaction ends before it has written anything.
import { RowhouseError } from '@rowhouse/contracts'
import type { Organization, Transaction } from 'rowhouse'

export interface Hold {
  readonly connectionId: string
  readonly lane: string
  readonly epoch: string
}

const valuesOf = ({ connectionId, epoch, lane }: Hold): string[] => [connectionId, lane, epoch]

/** Holds whose epoch their home has: by identity, because a hold is one run's. */
const raised = new WeakSet<Hold>()

/** Raises the fence to this hold's epoch. @throws RowhouseError lease_lost */
export async function raiseFence(organization: Organization, hold: Hold): Promise<void> {
  const { rowCount } = await organization.query(RAISED, valuesOf(hold))
  if (rowCount !== 1) throw new RowhouseError('lease_lost')
  raised.add(hold)
}

/**
 * Runs `work` in a transaction that ends at once when the hold is no longer the last. The first one of a hold raises the
 * fence: nothing of a run counts before, so a transaction of its own for it would be a round trip and a wait for the disk.
 */
export async function fenced<Value>(
  organization: Organization,
  hold: Hold,
  work: (tx: Transaction) => Promise<Value>,
): Promise<Value> {
  const value = await organization.transaction(
    async (tx, held) => {
      if (held?.rowCount !== 1) throw new RowhouseError('lease_lost')
      return work(tx)
    },
    { attempts: FENCED_ATTEMPTS, first: { text: raised.has(hold) ? HELD : RAISED, values: valuesOf(hold) } },
  )
  raised.add(hold)
  return value
}

const FENCED_ATTEMPTS = 5

const RAISED = `
insert into rowhouse_home.sync_fences as f (connection_id, lane, epoch) values ($1, $2, $3)
on conflict (organization_id, connection_id, lane) do update set epoch = excluded.epoch
where f.epoch <= excluded.epoch`

/** Whoever raises the fence waits for what runs under the one before. It leaves with BEGIN: checking costs no round trip. */
const HELD = `
select from rowhouse_home.sync_fences f
where f.connection_id = $1 and f.lane = $2 and f.epoch = $3 for share`
