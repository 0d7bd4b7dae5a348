// The life of a record, newest first, with what changed each time; and, where it ended, the way back.
import type { AuditLine, Organization } from '@rowhouse/contracts'
import { useQuery } from '@tanstack/react-query'
import type { JSX } from 'react'
import { Ago, Failure, Loading } from '../parts/parts.tsx'
import { formatCount } from '../words/numbers.ts'
import { Back, BringBack, useBringBack } from './bring-back.tsx'
import { actionNames, actorName, changesOf, isGone, notable } from './line-words.ts'
import type { Known } from './line-words.ts'
import { lifeQuery } from './queries.ts'

const NAMED_MAX = 4

export interface RecordLifeProps {
  readonly organization: Organization
  readonly line: AuditLine
  readonly known: Known
  readonly onOpen: (seq: string) => void
  readonly onOnly: () => void
}

export function RecordLife({ organization, line, known, onOpen, onOnly }: RecordLifeProps): JSX.Element {
  const { schema, table, recordId } = line
  const life = useQuery(lifeQuery(organization.id, `${schema}.${table}`, recordId))
  const items = (life.data?.items ?? []).toReversed()
  const last = items[0]
  const act = useBringBack(organization.id)
  const isBack = act.isSuccess && (last === undefined || !isGone(last.action) || act.variables.seq === last.seq)
  return (
    <section className="mt-8" aria-labelledby="life">
      <div className="flex items-baseline justify-between border-b border-line pb-1.5">
        <h3 id="life" className="font-semibold">
          Life of this record
        </h3>
        <button
          type="button"
          onClick={onOnly}
          className="text-xs text-ink-2 underline decoration-line-strong underline-offset-4 hover:text-ink"
        >
          Show only this record
        </button>
      </div>
      {isBack ? (
        <Back left={act.data.notRestored} />
      ) : (
        last !== undefined &&
        isGone(last.action) && <BringBack key={last.seq} organization={organization} last={last} act={act} />
      )}
      {life.isPending && <Loading label="Reading the history" />}
      {life.isError && (
        <div className="py-3">
          <Failure error={life.error} onRetry={() => void life.refetch()} />
        </div>
      )}
      <ol aria-label="Life of this record">
        {items.map((past) => (
          <li key={past.seq} className="border-b border-line">
            <button
              type="button"
              aria-current={past.seq === line.seq}
              onClick={() => onOpen(past.seq)}
              className="grid w-full grid-cols-[80px_1fr_auto] gap-2 py-2 text-left text-xs hover:bg-sunken aria-[current=true]:font-semibold"
            >
              <span className="text-ink-3">
                <Ago at={past.at} />
              </span>
              <span className="min-w-0 break-words">{differenceWords(past)}</span>
              <span className="max-w-32 truncate text-ink-3">{actorName(past.actor, known)}</span>
            </button>
          </li>
        ))}
      </ol>
      {life.data?.truncated === true && (
        <p className="mt-2 text-xs text-ink-3">
          The newest {formatCount(items.length)} are shown; the log has older ones.
        </p>
      )}
    </section>
  )
}

/** `title, phone and 2 more`; for what came or went, that. */
function differenceWords(line: AuditLine): string {
  if (line.action !== 'update') return actionNames[line.action]
  const names = notable(changesOf(line)).map(({ field }) => field)
  const more = names.length - NAMED_MAX
  return more > 0 ? `${names.slice(0, NAMED_MAX).join(', ')} and ${more} more` : names.join(', ')
}
