// All resources below /services/data/vXX.X as one table, and performing an operation against it. Owns
// turning refusals into answers, so a composite request can carry them as entries.
import { ingestRoutes } from './bulk/ingest.ts'
import { queryJobRoutes } from './bulk/query-jobs.ts'
import { collectionRoutes } from './collections.ts'
import { composite } from './composite.ts'
import { describeRoutes } from './describe.ts'
import { SalesforceRefusal } from './errors.ts'
import { match } from './operation.ts'
import type { Answer, Operation, Route, Run } from './operation.ts'
import { queryRoutes } from './query.ts'
import { replicationRoutes } from './replication.ts'
import { rowRoutes } from './rows.ts'

// The more exact patterns come first: '/sobjects/Contact/describe' is not a record called 'describe'.
const simpleRoutes: readonly Route[] = [
  ...describeRoutes,
  ...queryRoutes,
  ...replicationRoutes,
  ...ingestRoutes,
  ...queryJobRoutes,
  ...collectionRoutes,
  ...rowRoutes,
]

/** Every resource below a version. */
export const routes: readonly Pick<Route, 'method' | 'pattern'>[] = [
  ...simpleRoutes,
  { method: 'POST', pattern: '/composite' },
]

export type Context = Omit<Run, 'operation' | 'path'>

/** Performs an operation; a refusal becomes its answer. Only simulation bugs are thrown. */
export function perform(context: Context, operation: Operation): Answer {
  return answering(() => {
    if (operation.method === 'POST' && operation.path === '/composite') {
      return composite({ ...context, operation, path: {} }, (inner) => performSimple(context, inner))
    }
    return runSimple(context, operation)
  })
}

function performSimple(context: Context, operation: Operation): Answer {
  return answering(() => runSimple(context, operation))
}

function runSimple(context: Context, operation: Operation): Answer {
  const { route, path } = match(simpleRoutes, operation)
  return route.run({ ...context, operation, path })
}

function answering(work: () => Answer): Answer {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof SalesforceRefusal)) throw error
    return { status: error.status, body: [error.error] }
  }
}
