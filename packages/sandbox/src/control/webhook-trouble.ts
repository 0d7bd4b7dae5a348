// Trouble with webhooks, on demand. Owns the shape; the CRM's deliveries do it.
import { z } from 'zod'

export const webhookTroubleSchema = z.strictObject({
  account: z.string(),
  /** Share of events that come twice. @default 0 */
  duplicateRate: z.number().min(0).max(1).optional(),
  /** Whether the events of a delivery come in another order. @default false */
  shuffle: z.boolean().optional(),
  /** How late deliveries are. @default 0 */
  delayMs: z.number().min(0).max(600_000).optional(),
})
