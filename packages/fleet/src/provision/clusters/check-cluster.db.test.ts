// Looking at many clusters while some of them take their time to answer.
import { expect, it } from 'vitest'

import { useFleet } from '../test-fleet.ts'

/** While it is set, who looks waits for it. */
let answers: Promise<void> = Promise.resolve()
const looked: string[] = []
const test = useFleet({
  drivers: [
    {
      name: 'slow',
      create: () => Promise.reject(new Error('Nobody asks for a server here.')),
      remove: () => Promise.resolve(),
      check: async (access) => {
        looked.push(access)
        await answers
      },
    },
  ],
})

it('looks at others while one is mute, and writes down each as it answers', async () => {
  const { fleet, admin } = test()
  const ids = ['slow-1', 'slow-2', 'slow-3']
  for (const id of ids) await fleet.clusters.add({ id, region: 'default', driver: 'slow', url: `slow://here/${id}` })
  looked.length = 0
  let answer = (): void => {}
  answers = new Promise((resolve) => (answer = resolve))
  await admin('update rowhouse.clusters set checked_at = null')
  const all = fleet.clusters.checkAll()
  await expect.poll(() => looked.length).toBe(ids.length)
  await expect
    .poll(() => admin('select id from rowhouse.clusters where checked_at is not null'))
    .toEqual([{ id: 'main' }])
  answer()
  expect((await all).map(({ id, status }) => [id, status])).toEqual(['main', ...ids].map((id) => [id, 'active']))
})
