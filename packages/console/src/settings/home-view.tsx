// Where the organization lives beside where it is wanted, row by row, and what it has left behind. For operators.
import type { Organization, PlacementDetail } from '@rowhouse/contracts'
import { useQuery } from '@tanstack/react-query'
import type { JSX, ReactNode } from 'react'
import { placementQuery } from '../app/api.ts'
import { Section } from '../load/section.tsx'
import { HouseMark } from '../parts/marks.tsx'
import { Ago, CopyId, Failure, Loading, Status } from '../parts/parts.tsx'
import { isolationWords } from '../words/connection.ts'
import { formatDay } from '../words/time.ts'

export function HomeView({ organization }: { organization: Organization }): JSX.Element {
  const { data, error, refetch } = useQuery(placementQuery(organization.id))
  return (
    <Section title="Home" {...(data !== undefined && { beside: <Agreement placement={data} /> })}>
      {data !== undefined ? (
        <Home placement={data} />
      ) : error === null ? (
        <Loading lines={4} label="Reading where it lives" />
      ) : (
        <Failure error={error} onRetry={() => void refetch()} />
      )}
    </Section>
  )
}

function Agreement({ placement: { state, wanted } }: { placement: PlacementDetail }): JSX.Element {
  if (state !== 'active')
    return <Status tone="busy">{state === 'placing' ? 'Its home is being made' : 'Being moved'}</Status>
  return wanted === null ? <Status tone="ok">Where it is wanted</Status> : <Status tone="warn">Wanted elsewhere</Status>
}

function Home({ placement }: { placement: PlacementDetail }): JSX.Element {
  const { isolation, cluster, region, databaseName, schemaName, login, epoch, plan, wanted, former, farewells } =
    placement
  const wantedModel = wanted?.isolation ?? isolation
  return (
    <>
      <div className="overflow-x-auto">
        <table className="w-full max-w-3xl text-left">
          <caption className="sr-only">The home as it is and as it is wanted</caption>
          <thead className="border-b border-line text-xs text-ink-3">
            <tr>
              <th scope="col" className="w-32">
                <span className="sr-only">Of the home</span>
              </th>
              <th scope="col" className="py-1 font-normal">
                Now
              </th>
              <th scope="col" className="py-1 font-normal">
                Wanted
              </th>
            </tr>
          </thead>
          <tbody>
            <Compared
              name="Isolation"
              now={
                <span className="inline-flex items-center gap-2">
                  <HouseMark isolation={isolation} />
                  {isolationWords[isolation].word}
                </span>
              }
              wanted={
                wantedModel === isolation ? null : (
                  <span className="inline-flex items-center gap-2">
                    <HouseMark isolation={wantedModel} />
                    {isolationWords[wantedModel].word}
                  </span>
                )
              }
            />
            <Compared
              name="Cluster"
              now={<span className="code">{cluster}</span>}
              wanted={
                wanted?.cluster == null || wanted.cluster === cluster ? null : (
                  <span className="code">{wanted.cluster}</span>
                )
              }
            />
            <Compared
              name="Region"
              now={region}
              wanted={wanted?.cluster == null || wanted.cluster === cluster ? null : `as ${wanted.cluster} is`}
            />
          </tbody>
        </table>
      </div>
      <p className="mt-2 flex flex-wrap items-center gap-x-4 gap-y-1 text-xs text-ink-3">
        {databaseName !== null && <CopyId value={databaseName} label="database" />}
        {schemaName !== null && <CopyId value={schemaName} label="schema" />}
        {login !== null && <CopyId value={login} label="login" />}
        <span className="num">epoch {epoch}</span>
      </p>
      <p className="mt-1 max-w-[72ch] text-xs text-ink-3">
        {wanted === null
          ? `It lives where its plan ${plan} wants it.`
          : `Its plan ${plan} wants it elsewhere. That is noted, and changes nothing by itself: it goes on where it is, with the limits of its plan.`}
      </p>
      {former.length > 0 && (
        <ul aria-label="Former homes" className="mt-3">
          {former.map((home) => (
            <li
              key={`${home.cluster} ${home.databaseName} ${home.schemaName} ${home.retiredAt}`}
              className="flex flex-wrap gap-x-4 border-t border-line py-2 text-xs"
            >
              <span>
                left <Ago at={home.retiredAt} />
              </span>
              <span className="code text-ink-2">
                {home.cluster} · {home.databaseName ?? home.schemaName}
              </span>
              <span className="text-ink-3">
                {home.lockedAt === null ? 'about to be locked' : 'locked'}, kept until {formatDay(home.keptUntil)}
              </span>
              {home.error !== null && <span className="basis-full text-bad">{home.error}</span>}
            </li>
          ))}
        </ul>
      )}
      {farewells.length > 0 && (
        <p className="mt-2 text-xs text-warn">
          {farewells
            .map(({ cluster, databaseName }) => `${databaseName ?? 'the shared tables'} on ${cluster}`)
            .join(', ')}{' '}
          {farewells.length === 1 ? 'does' : 'do'} not know yet that it has left. They are told until they do.
        </p>
      )}
    </>
  )
}

const Compared = ({ name, now, wanted }: { name: string; now: ReactNode; wanted: ReactNode }): JSX.Element => (
  <tr className="border-b border-line [&>*]:py-1.5 [&>*]:pr-3">
    <th scope="row" className="font-normal text-ink-2">
      {name}
    </th>
    <td>{now}</td>
    <td className={wanted === null ? 'text-ink-3' : 'font-medium text-warn'}>{wanted ?? 'the same'}</td>
  </tr>
)
