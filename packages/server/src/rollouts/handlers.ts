// What rollouts and the last check of drift came to, from the ledger. Nothing is started here: a rollout needs the folder of
// migrations and the login that migrates, and this process has neither.
import { RowhouseError } from '@rowhouse/contracts'
import type { ResponseOf, endpoints } from '@rowhouse/contracts'
import { openHomesSql, rolloutStatusSql } from '@rowhouse/fleet'
import type { Handlers } from '../context.ts'

type Rollout = ResponseOf<typeof endpoints.getRollout>['rollout']
type OpenHome = ResponseOf<typeof endpoints.getRollout>['open'][number]
type Report = ResponseOf<typeof endpoints.getDrift>['report']

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const OPEN_MAX = 500

export const rolloutHandlers: Pick<Handlers, 'listRollouts' | 'getRollout' | 'getDrift'> = {
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
    const [rollout] = uuid.test(params.rolloutId)
      ? await services.catalogue.query<Rollout>(`${rolloutStatusSql} where r.id = $1`, [params.rolloutId])
      : []
    if (rollout === undefined) {
      throw new RowhouseError('rollout_not_found', `No rollout has the id ${params.rolloutId}.`)
    }
    const open = await services.catalogue.query<OpenHome>(openHomesSql, [rollout.id, OPEN_MAX])
    return { rollout, open }
  },

  async getDrift({ services }) {
    const rows = await services.catalogue.query<{ report: Report }>(
      'select report from rowhouse.drift_reports order by id desc limit 1',
    )
    return { report: rows[0]?.report ?? null }
  },
}
