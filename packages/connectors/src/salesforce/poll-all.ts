// A round of polling as composite calls: up to five queries cost one call of the day's quota instead of five.
// Owns nothing but the packing; what is asked and what a page means is read.ts's and deleted.ts's.
import { ok } from '../kit/answers.ts'
import type { DeletedPage, PollPage, RoundPolling } from '../kit/connector.ts'
import { deletedPage, deletedQuery } from './deleted.ts'
import { pollPage, pollQuery } from './read.ts'
import { queriesPerCall, queryEach } from './soql.ts'
import type { Query } from './soql.ts'

export const pollAll: RoundPolling = {
  callsOf: (objects) => Math.ceil((objects * 2) / queriesPerCall),

  async read(http, { modified, deleted }) {
    const queries: Query[] = []
    for (const { selection, position, pageSize } of modified) {
      const soql = pollQuery(selection, position, pageSize)
      if (!soql.ok) return soql
      queries.push({ soql: soql.value, scope: 'live' })
    }
    for (const { object, cursor } of deleted) {
      const asked = deletedQuery(object, cursor)
      if (!asked.ok) return asked
      queries.push(asked.value)
    }
    const pages = await queryEach(http, queries)
    if (!pages.ok) return pages
    const polled = modified.map(({ selection, position, pageSize }, index): PollPage =>
      pollPage(selection, position, pageSize, pages.value[index]!),
    )
    const gone: DeletedPage[] = []
    for (const [index, { cursor }] of deleted.entries()) {
      const page = deletedPage(cursor, pages.value[modified.length + index]!)
      if (!page.ok) return page
      gone.push(page.value)
    }
    return ok({ modified: polled, deleted: gone })
  },
}
