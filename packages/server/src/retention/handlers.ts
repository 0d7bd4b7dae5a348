// How long an organization's lines are kept. Who may change it, the contract says; in which bounds, the database.
import type { Retention } from '@rowhouse/contracts'
import { organizationNotFound } from '../auth/access.ts'
import type { Handlers, Services } from '../context.ts'

export const retentionHandlers: Pick<Handlers, 'getRetention' | 'setRetention'> = {
  getRetention: ({ services, params }) => readRetention(services, params.organizationId),

  async setRetention({ services, params, body }) {
    await services.catalogue.query('select rowhouse.set_log_retention($1, $2, $3)', [
      params.organizationId,
      body.days ?? null,
      body.followPlan === true,
    ])
    return readRetention(services, params.organizationId)
  },
}

async function readRetention({ catalogue }: Pick<Services, 'catalogue'>, organizationId: string): Promise<Retention> {
  const rows = await catalogue.query<Retention>('select days, source from rowhouse.log_retention_of($1)', [
    organizationId,
  ])
  if (rows[0] === undefined) throw organizationNotFound(organizationId)
  return rows[0]
}
