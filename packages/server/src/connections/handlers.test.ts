// A tenant's data is read as whoever asks: the engine is handed the caller, never an operator of our own making.
import { describe, expect, it } from 'vitest'
import type { Actor, Call } from '../context.ts'
import type { Acting } from '../sync.ts'
import { connectionHandlers } from './handlers.ts'

async function actingFor(actor: Actor): Promise<readonly Acting[]> {
  const seen: Acting[] = []
  const list = (_organizationId: string, acting: Acting): Promise<never[]> => {
    seen.push(acting)
    return Promise.resolve([])
  }
  const sync = { deadLetters: { list }, conflicts: { list } }
  const call = { actor, services: { sync }, params: { organizationId: 'o-1' } }
  await connectionHandlers.listDeadLetters(call as unknown as Call<'listDeadLetters'>)
  await connectionHandlers.listConflicts(call as unknown as Call<'listConflicts'>)
  return seen
}

describe('dead letters and conflicts', () => {
  it('are read as the person', async () => {
    expect(await actingFor({ kind: 'user', userId: 'u-1' })).toEqual([{ userId: 'u-1' }, { userId: 'u-1' }])
  })

  it('are read as the operator, with the reason', async () => {
    const operator = { operator: 'operator', reason: 'control plane' }
    expect(await actingFor({ kind: 'operator' })).toEqual([operator, operator])
  })

  it('are read by nobody else', async () => {
    await expect(actingFor({ kind: 'anonymous' })).rejects.toMatchObject({ code: 'unauthenticated' })
  })
})
