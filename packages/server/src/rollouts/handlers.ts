// What rollouts and the last check of drift came to, from the ledger; and beginning, cancelling and resuming one, which is
// runner.ts's affair.
import { RowhouseError } from '@rowhouse/contracts'
import type { ResponseOf, endpoints } from '@rowhouse/contracts'
import { openHomesSql, readPace, rolloutStatusSql } from '@rowhouse/fleet'
import type { RolloutPace } from '@rowhouse/fleet'
import type { Handlers, Services } from '../context.ts'

type Rollout = ResponseOf<typeof endpoints.getRollout>['rollout']
type OpenHome = ResponseOf<typeof endpoints.getRollout>['open'][number]
type Report = ResponseOf<typeof endpoints.getDrift>['report']

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const OPEN_MAX = 500
const resumable: ReadonlySet<Rollout['state']> = new Set(['interrupted', 'stopped', 'incomplete'])

type Mine =
  | 'listRollouts'
  | 'getRollout'
  | 'planRollout'
  | 'startRollout'
  | 'cancelRollout'
  | 'resumeRollout'
  | 'getDrift'

export const rolloutHandlers: Pick<Handlers, Mine> = {
  async listRollouts({ services, query }) {
    return {
      items: await services.catalogue.query<Rollout>(`${rolloutStatusSql} order by r.started_at desc limit $1`, [
        query.limit,
      ]),
      versions: await services.catalogue.query<{ version: string | null; homes: number }>(
        `select version::text as version, count(*)::int as homes from rowhouse.homes
         where state in ('spare', 'assigned') group by 1 order by 1 nulls first`,
      ),
    }
  },

  async getRollout({ services, params }) {
    const rollout = await readRollout(services, params.rolloutId)
    const open = await services.catalogue.query<OpenHome>(openHomesSql, [rollout.id, OPEN_MAX])
    return { rollout, open }
  },

  planRollout: async ({ services }) => {
    // The contract's lists may be changed, the plan's may not: nobody changes either.
    const plan = await services.rollouts.plan()
    return plan as unknown as ResponseOf<typeof endpoints.planRollout>
  },

  async startRollout({ services, body }) {
    const { confirm = null, ...pace } = body
    const rolloutId = await services.rollouts.start({ pace: paceOf(pace), confirm })
    return { rollout: rolloutId === null ? null : await readRollout(services, rolloutId) }
  },

  async cancelRollout({ services, params }) {
    const { id } = await readRollout(services, params.rolloutId)
    await services.catalogue.query('select rowhouse.cancel_rollout($1)', [id])
    services.rollouts.cancel(id)
    return { rollout: await readRollout(services, id) }
  },

  async resumeRollout({ services, params, body }) {
    const { id, target, state } = await readRollout(services, params.rolloutId)
    const [last] = await services.catalogue.query<{ id: string; pace: Partial<RolloutPace> }>(
      `select id, options - 'waves' as pace from rowhouse.rollouts order by started_at desc limit 1`,
    )
    if (state === 'running') throw new RowhouseError('rollout_running', undefined, { details: { rolloutId: id } })
    if (last?.id !== id || !resumable.has(state)) {
      throw new RowhouseError('rollout_not_resumable', `The rollout ${id} is ${state}.`)
    }
    const rolloutId = await services.rollouts.start({
      pace: last.pace,
      confirm: body.confirm ?? null,
      check: (migrations) => {
        const newest = migrations.at(-1)?.version
        if (newest === target) return
        throw new RowhouseError(
          'rollout_not_resumable',
          `The rollout is to ${target}, and the folder of the server ends with ${newest ?? 'nothing'}.`,
          { hint: 'Begin another one: it goes on from what every home has.' },
        )
      },
    })
    return { rollout: rolloutId === null ? null : await readRollout(services, rolloutId) }
  },

  async getDrift({ services }) {
    const rows = await services.catalogue.query<{ report: Report }>(
      'select report from rowhouse.drift_reports order by id desc limit 1',
    )
    return { report: rows[0]?.report ?? null }
  },
}

/** @throws RowhouseError validation_failed: here it is the caller's option, and no setting of the server */
function paceOf(given: object): Partial<RolloutPace> {
  try {
    return readPace(given)
  } catch (error) {
    throw new RowhouseError('validation_failed', (error as Error).message, { cause: error })
  }
}

/** @throws RowhouseError rollout_not_found */
async function readRollout({ catalogue }: Pick<Services, 'catalogue'>, id: string): Promise<Rollout> {
  const [rollout] = uuid.test(id) ? await catalogue.query<Rollout>(`${rolloutStatusSql} where r.id = $1`, [id]) : []
  if (rollout === undefined) throw new RowhouseError('rollout_not_found', `No rollout has the id ${id}.`)
  return rollout
}
