// A person's work over HTTP: one action a request. Owns the shapes; the simulation's hand does it.
import { RowhouseError } from '@rowhouse/contracts'
import { z } from 'zod'
import type { Hand } from './simulated-crm.ts'

const target = { account: z.string(), object: z.string().min(1) }
const values = z.record(z.string(), z.unknown())
const field = z.strictObject({
  name: z.string().min(1),
  label: z.string().optional(),
  type: z.enum(['text', 'number', 'integer', 'boolean', 'date', 'datetime', 'picklist', 'reference']),
  options: z.array(z.string()).optional(),
  unique: z.boolean().optional(),
  referenceTo: z.string().optional(),
})

export const handSchema = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('create'), ...target, values }),
  z.strictObject({ action: z.literal('update'), ...target, id: z.string(), values }),
  z.strictObject({ action: z.literal('remove'), ...target, id: z.string() }),
  z.strictObject({ action: z.literal('restore'), ...target, id: z.string() }),
  z.strictObject({ action: z.literal('merge'), ...target, winnerId: z.string(), loserId: z.string() }),
  z.strictObject({
    action: z.literal('associate'),
    ...target,
    id: z.string(),
    withObject: z.string().min(1),
    withId: z.string(),
    ends: z.boolean().optional(),
  }),
  z.strictObject({ action: z.literal('addField'), ...target, field }),
  z.strictObject({ action: z.literal('addObject'), account: z.string(), name: z.string().min(1), label: z.string() }),
])

/** Does it; `{id}` of what was made or remains, `{object}` of a new object, else `{}`. */
export function takeHand(hand: Hand, input: z.output<typeof handSchema>): { id?: string; object?: string } {
  switch (input.action) {
    case 'create':
      return { id: hand.create(input.object, input.values) }
    case 'update':
      hand.update(input.object, input.id, input.values)
      return { id: input.id }
    case 'remove':
      hand.remove(input.object, input.id)
      return { id: input.id }
    case 'restore':
      hand.restore(input.object, input.id)
      return { id: input.id }
    case 'merge':
      return { id: hand.merge(input.object, input.winnerId, input.loserId) }
    case 'associate':
      if (!hand.associate)
        throw new RowhouseError('validation_failed', 'References are fields there: update the record.')
      hand.associate(input.object, input.id, input.withObject, input.withId, input.ends)
      return { id: input.id }
    case 'addField':
      hand.addField(input.object, input.field)
      return {}
    case 'addObject':
      break
  }
  return { object: hand.addObject(input.name, input.label) }
}
