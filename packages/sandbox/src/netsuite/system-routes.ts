// What a company tells about its limits. https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/article_0625010817.html
import { concurrencyMax } from '../oauth/editions.ts'
import type { Answer } from './operation.ts'
import type { Route, Run } from './route.ts'

export const systemRoutes: readonly Route[] = [
  { method: 'GET', pattern: '/system/v1/governanceLimits', run: governanceLimits },
]

// No part of the limit is set aside for an integration here, so all of it is unallocated.
function governanceLimits({ company }: Run): Answer {
  const max = concurrencyMax(company.account)
  return {
    status: 200,
    body: {
      accountConcurrencyLimit: max,
      accountUnallocatedConcurrencyLimit: max,
      integrationLimitType: 'accountLimit',
    },
  }
}
