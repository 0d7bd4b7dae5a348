import { expect, it, vi } from 'vitest'

import { keepFleet } from './keep-fleet.ts'

const nothing = (): Promise<never> => Promise.resolve(undefined as never)

it('a cluster that is mute keeps no home from being finished, locked or kept warm', async () => {
  let answer = (): void => {}
  const checkAll = vi.fn(() => new Promise<never[]>((resolve) => (answer = () => resolve([]))))
  const done = {
    reconcile: vi.fn(nothing),
    keepLimits: vi.fn(nothing),
    keepRetired: vi.fn(nothing),
    keepSpares: vi.fn(nothing),
  }
  const keeper = keepFleet({ ...done, clusters: { checkAll } as never }, (error) => expect.fail(String(error)), 1)
  await vi.waitFor(() => expect(done.keepSpares.mock.calls.length).toBeGreaterThan(2), { timeout: 60_000 })
  for (const step of Object.values(done)) expect(step).toHaveBeenCalled()
  // Nor is it asked again while it is.
  expect(checkAll).toHaveBeenCalledTimes(1)
  const stopped = keeper.stop()
  answer()
  await stopped
})
