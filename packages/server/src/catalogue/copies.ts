// Keeps the homes outside the catalogue's database in step with the catalogue: at once after a change that came through the
// API, before its answer, and again and again for what was missed. Every process of the control plane does it.
import { RowhouseError, isRowhouseError } from '@rowhouse/contracts'
import { carryCopy, keepCopies } from '@rowhouse/fleet'
import type { CopyKeeper, CopyOptions } from '@rowhouse/fleet'
import type { Catalogue } from './catalogue.ts'

export interface Copies {
  /**
   * Returns when the home of the organization knows what was changed; at once where nothing is due.
   *
   * @throws RowhouseError copy_pending: the change stands, the home does not know it yet, and the worker goes on
   */
  settle(organizationId: string): Promise<void>
  /** Begins to carry what is due, until it is stopped. */
  keep(onError: (error: unknown) => void): CopyKeeper
}

export function openCopies(catalogue: Catalogue, catalogueUrl: string, signingKey: string): Copies {
  const options: CopyOptions = {
    catalogue: { query: async (text, values) => ({ rows: await catalogue.query(text, values) }) },
    catalogueUrl,
    signingKey,
  }
  return {
    async settle(organizationId) {
      const due = await catalogue.query('select 1 from rowhouse.copies_due where organization_id = $1', [
        organizationId,
      ])
      if (due.length === 0) return
      try {
        await carryCopy(options, organizationId)
      } catch (error) {
        throw new RowhouseError(
          'copy_pending',
          `The change is made, and the home of organization ${organizationId} does not know it yet.`,
          { details: { organizationId, reason: isRowhouseError(error) ? error.code : 'internal' }, cause: error },
        )
      }
    },
    keep: (onError) => keepCopies(options, onError),
  }
}
