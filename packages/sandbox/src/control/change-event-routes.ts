// Trouble with change events, on demand. Owns the shape; the organization's events do it.
import { RowhouseError } from '@rowhouse/contracts'
import { z } from 'zod'
import type { ChangeEventTrouble, Simulation } from './simulated-crm.ts'
import type { Account } from '../oauth/account.ts'

export const changeEventSchema = z.strictObject({
  account: z.string(),
  /** So many changes from now on are told as gap events, without their values. */
  gaps: z.int().min(0).max(10_000).optional(),
  /** An overflow event for this object. */
  overflow: z.string().optional(),
  /** Forgets every event, as after the three days they are kept. */
  forget: z.boolean().optional(),
})

/** Throws `validation_failed` for a CRM without change events, and for an object it does not have. */
export function troubleChangeEvents(simulation: Simulation, account: Account, trouble: ChangeEventTrouble): void {
  if (!simulation.changeEvents) {
    throw new RowhouseError('validation_failed', `${account.connector} has no change events.`)
  }
  simulation.changeEvents(account, trouble)
}
