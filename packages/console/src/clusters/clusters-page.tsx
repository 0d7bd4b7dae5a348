// Do the servers answer? Each with what it takes and what the last look found, and the databases that nobody can look after.
import type { Cluster } from '@rowhouse/contracts'
import { useMutation, useQuery } from '@tanstack/react-query'
import type { JSX } from 'react'
import { client, meQuery, queries } from '../app/api.ts'
import { useEvents } from '../live/events.ts'
import { Ago, Button, CopyId, Empty, Failure, Loading, Newest, Status } from '../parts/parts.tsx'
import { formatCount, plural } from '../words/numbers.ts'
import { clustersQuery, failingDatabasesQuery } from './queries.ts'
import { headlineOf, problemOf, sentenceOf, stateOf, statusWords, takesWords, versionWords } from './words.ts'

export function ClustersPage(): JSX.Element {
  const { data: me } = useQuery(meQuery)
  const isOperator = me?.actor.kind === 'operator'
  const clusters = useQuery({ ...clustersQuery, enabled: isOperator })
  useEvents(undefined)
  if (me !== undefined && !isOperator)
    return page(
      <Empty isPage title="Only operators see this.">
        Clusters are the servers that organizations of all customers live on. Sign in with the operator key to see them.
      </Empty>,
    )
  if (clusters.isPending) return page(<Loading lines={6} label="Reading the clusters" />)
  if (clusters.data === undefined)
    return page(
      <div className="py-8">
        <h1 className="sr-only">Clusters</h1>
        <Failure error={clusters.error} onRetry={() => void clusters.refetch()} />
      </div>,
    )
  return page(
    <>
      <div className="pt-6 pb-5 md:pt-8">
        <h1 className="text-xl font-semibold tracking-[-0.01em]">{headlineOf(clusters.data)}</h1>
        <p className="mt-1 max-w-[88ch] text-ink-2">
          New organizations are placed on servers that answer. Those that live on one that does not are refused until it
          is back; others notice nothing.
        </p>
      </div>
      <ul aria-label="Clusters" className="border-t border-line">
        {clusters.data.map((cluster) => (
          <OneCluster key={cluster.id} cluster={cluster} />
        ))}
      </ul>
      <FailingDatabases />
      <div className="mt-8 border-t border-line">
        <Empty title="Add a server" command="ROWHOUSE_CLUSTER_URL=postgres://… rowhouse cluster add eu --region eu">
          The URL is its administrator’s, so it is given where no browser and no process list keeps it. It is looked at
          before anything is written down.
        </Empty>
      </div>
    </>,
  )
}

const page = (content: JSX.Element): JSX.Element => (
  <main className="px-4 pb-16 md:px-6">
    <title>Clusters · Rowhouse</title>
    {content}
  </main>
)

function OneCluster({ cluster }: { cluster: Cluster }): JSX.Element {
  const { id, region, driver, host, port, serverVersion, checkedAt, checkError, status } = cluster
  const { word, tone } = statusWords[stateOf(cluster)]
  const check = useMutation({
    mutationFn: () => client.checkCluster({ params: { clusterId: id } }),
    onSuccess: (checked) =>
      queries.setQueryData(clustersQuery.queryKey, (old) => old?.map((one) => (one.id === id ? checked : one))),
  })
  return (
    <li className="flex flex-wrap items-start justify-between gap-x-6 gap-y-2 border-b border-line py-3">
      <div className="min-w-0 flex-1 basis-80">
        <p className="flex flex-wrap items-baseline gap-x-4 gap-y-0.5">
          <span className="code font-medium break-all">{id}</span>
          <Status tone={tone}>{word}</Status>
          <span className="text-ink-2">region {region}</span>
          <span className="text-ink-2">{versionWords(serverVersion)}</span>
          {status === 'draining' && checkError !== null && <span className="text-ink-3">draining</span>}
        </p>
        <p className="mt-0.5 flex flex-wrap gap-x-3 text-xs text-ink-3">
          {host === null ? (
            <span>the catalogue’s server</span>
          ) : (
            <CopyId value={`${host}:${port}`} label="host and port" />
          )}
          {driver !== 'postgres' && <span>made by {driver}</span>}
          <span>{takesWords(cluster)}</span>
          <span>
            {checkedAt === null ? (
              'never looked at'
            ) : (
              <>
                looked at <Ago at={checkedAt} />
              </>
            )}
          </span>
        </p>
        {checkError !== null && <Problem checkError={checkError} />}
        {status === 'draining' && (
          <p className="mt-1 text-xs text-ink-3">It keeps what it has and takes nothing new.</p>
        )}
        {check.isError && (
          <div className="mt-2">
            <Failure error={check.error} />
          </div>
        )}
      </div>
      <Button disabled={check.isPending} onClick={() => check.mutate()} aria-label={`Look at ${id} now`}>
        {check.isPending ? 'Looking…' : 'Look now'}
      </Button>
    </li>
  )
}

function Problem({ checkError }: { checkError: string }): JSX.Element {
  const { message, hint, code } = problemOf(checkError)
  return (
    <div className="mt-1.5 max-w-[88ch] border-l-2 border-bad pl-3 break-words">
      <p>{message}</p>
      {hint !== null && <p className="text-ink-2">{hint}</p>}
      {code !== null && <p className="code text-ink-3">{code}</p>}
    </div>
  )
}

function FailingDatabases(): JSX.Element | null {
  const { data, error, refetch } = useQuery(failingDatabasesQuery)
  if (data === undefined)
    return error === null ? null : (
      <div className="mt-8">
        <Failure error={error} onRetry={() => void refetch()} />
      </div>
    )
  if (data.total === 0) return null
  if (data.failing === 0)
    return (
      <p className="mt-4 text-ink-3">
        {data.total === 1
          ? 'The change log of 1 database besides the catalogue’s is looked after.'
          : `The change logs of ${formatCount(data.total)} databases besides the catalogue’s are looked after.`}
      </p>
    )
  return (
    <section aria-labelledby="failing" className="mt-8">
      <h2 id="failing" className="pb-2 font-semibold">
        {formatCount(data.failing)} of {plural(data.total, 'database')} cannot be looked after
      </h2>
      <ul aria-label="Databases that cannot be looked after" className="border-t border-line">
        {data.items.map(({ cluster, databaseName, error, failingSince, unsealed, attempts }) => (
          <li key={`${cluster} ${databaseName}`} className="border-b border-line py-2">
            <p className="flex flex-wrap items-baseline gap-x-4">
              <span className="code min-w-0 break-all">{databaseName}</span>
              <span className="text-ink-2">on {cluster}</span>
              {error !== null && <span className="text-ink-2">{sentenceOf(error)}</span>}
              {error !== null && <span className="code text-xs text-ink-3">{error}</span>}
              <span className="num text-xs text-ink-3">
                {failingSince !== null && (
                  <>
                    since <Ago at={failingSince} />,{' '}
                  </>
                )}
                {plural(attempts, 'attempt')}
                {unsealed.length > 0 && `, ${plural(unsealed.length, 'log')} not sealed`}
              </span>
            </p>
          </li>
        ))}
      </ul>
      <Newest shown={data.items.length} total={data.failing} />
      <p className="mt-2 text-xs text-ink-3">
        Lines wait in those databases until they answer; nothing is lost. A worker tries again by itself.
      </p>
    </section>
  )
}
