// Are they apart? What the rules say of this database, when they were asked, and asking them now.
import type { Verification, VerificationReport } from '@rowhouse/contracts'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useMemo } from 'react'
import type { JSX } from 'react'
import { findingsQuery, meQuery } from '../app/api.ts'
import { useEvents } from '../live/events.ts'
import { Ago, Button, Empty, Failure, Loading, Status } from '../parts/parts.tsx'
import type { Tone } from '../words/connection.ts'
import { plural } from '../words/numbers.ts'
import { FindingList } from './finding-list.tsx'
import { Matrix } from './matrix.tsx'
import { RunControl } from './run-control.tsx'
import type { IsolationSearch } from './search.ts'
import { countsOf, severities, severityWords } from './words.ts'

const route = getRouteApi('/signed-in/isolation')

export function IsolationPage(): JSX.Element {
  const { data: me } = useQuery(meQuery)
  const isOperator = me?.actor.kind === 'operator'
  const { data, error, isPending, refetch } = useQuery({ ...findingsQuery, enabled: isOperator })
  useEvents(undefined)
  if (me !== undefined && !isOperator)
    return page(
      <Empty isPage title="Only operators see this.">
        Whether organizations are apart is checked for the database as a whole. Sign in with the operator key to see it.
      </Empty>,
    )
  if (isPending) return page(<Loading lines={8} label="Reading the findings" />)
  if (data === undefined)
    return page(
      <div className="py-8">
        <h1 className="sr-only">Isolation</h1>
        <Failure error={error} onRetry={() => void refetch()} />
      </div>,
    )
  return page(data.report === null ? <Never run={data.run} /> : <Found report={data.report} run={data.run} />)
}

const page = (content: JSX.Element): JSX.Element => (
  <main className="px-4 pb-16 md:px-6">
    <title>Isolation · Rowhouse</title>
    {content}
  </main>
)

function Never({ run }: { run: Verification['run'] }): JSX.Element {
  return (
    <Empty
      isPage
      title={run?.state === 'running' ? 'The first run is under way.' : 'Nothing has been checked yet.'}
      action={<RunControl run={run} />}
      command="rowhouse verify --attack"
    >
      The rules read the catalogue of this database, and no row: roles, policies, keys, views, functions, schemas. Each
      names one way in which an organization can reach another. When none finds one, no table is open and no policy has
      the holes that rules know. Attacks show the rest: two copies of the schema, in which one organization tries
      everything.
    </Empty>
  )
}

const tones: Record<VerificationReport['outcome'], { readonly tone: Tone; readonly word: string }> = {
  clean: { tone: 'ok', word: 'Apart' },
  findings: { tone: 'bad', word: 'Not apart' },
  undecided: { tone: 'warn', word: 'Not decided' },
}

const warnings: (typeof tones)['findings'] = { tone: 'warn', word: 'Warnings only' }

function Found({ report, run }: { report: VerificationReport; run: Verification['run'] }): JSX.Element {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const set = (change: IsolationSearch): void =>
    void navigate({ search: (old) => ({ ...old, ...change }), replace: true, resetScroll: false })
  const { findings, examined, outcome, verdict, undecided } = report
  const shown = useMemo(
    () => findings.filter(({ severity }) => search.severity === undefined || severity === search.severity),
    [findings, search.severity],
  )
  const hasErrors = findings.some(({ severity }) => severity === 'error')
  const { tone, word } = outcome === 'findings' && !hasErrors ? warnings : tones[outcome]
  return (
    <>
      <div className="pt-6 pb-5 md:pt-8">
        <h1 className="text-xl font-semibold tracking-[-0.01em]">{verdict}</h1>
        <ul className="num mt-1 flex flex-wrap gap-x-4 gap-y-0.5 text-ink-2">
          <li>
            <Status tone={tone}>{word}</Status>
          </li>
          <li>
            checked <Ago at={report.at} />
          </li>
          <li>{plural(examined.rules, 'rule')}</li>
          <li>{plural(examined.tables, 'table')}</li>
          {examined.tenantSchemas > 0 && <li>{plural(examined.tenantSchemas, 'schema')} of organizations</li>}
          <li className="min-w-0">
            requests come as <span className="code break-words">{examined.roles.join(', ') || 'nobody'}</span>
          </li>
        </ul>
        <div className="mt-4">
          <RunControl run={run} />
        </div>
      </div>
      {undecided.length > 0 && (
        <section className="border-t border-line py-5">
          <h2 className="font-semibold">What could not be decided</h2>
          <ul className="mt-1 max-w-[88ch] list-disc pl-5 text-ink-2">
            {undecided.map((reason) => (
              <li key={reason}>{reason}</li>
            ))}
          </ul>
        </section>
      )}
      {findings.length === 0 ? (
        <Nothing />
      ) : (
        <section>
          <div className="flex flex-wrap items-center gap-3 pb-3">
            <h2 className="font-semibold">Findings</h2>
            <select
              aria-label="Severity"
              className="h-8 rounded-md border border-line-strong bg-raised px-2.5 text-ink"
              value={search.severity ?? ''}
              onChange={(event) => set({ severity: severities.find((severity) => severity === event.target.value) })}
            >
              <option value="">Any severity</option>
              {severities.map((severity) => (
                <option key={severity} value={severity}>
                  {severityWords[severity].many}
                </option>
              ))}
            </select>
            <p role="status" className="num text-ink-3 md:ml-auto">
              {countsOf(shown) || 'none'}
            </p>
          </div>
          {shown.length === 0 ? (
            <Empty
              title="No finding has this severity."
              action={<Button onClick={() => set({ severity: undefined })}>Show all</Button>}
            />
          ) : (
            <FindingList findings={shown} open={search.finding} onOpen={(finding) => set({ finding })} />
          )}
        </section>
      )}
      <div className="mt-8">
        <Matrix report={report} />
      </div>
    </>
  )
}

function Nothing(): JSX.Element {
  return (
    <section className="border-t border-line">
      <Empty title="Nothing was found." command="rowhouse verify --attack --html isolation.html">
        That proves what the catalogue can prove: row security is on and forced, each policy reads the organization, no
        key, view, function or privilege leads past it. It does not prove what code does when it runs. Attack a copy of
        the schema to see that too; the page it writes is for a security reviewer.
      </Empty>
    </section>
  )
}
