// What another retention does, counted in the log as it is now.
import { useQuery } from '@tanstack/react-query'
import type { JSX } from 'react'
import { Failure, Loading } from '../parts/parts.tsx'
import { Question } from '../parts/question.tsx'
import type { Act } from '../parts/question.tsx'
import { formatCount, plural } from '../words/numbers.ts'
import { formatDay } from '../words/time.ts'
import { isShorter, keptWords, previewQuery } from './retention.ts'
import type { Wanted } from './retention.ts'

export interface RetentionQuestionProps {
  readonly organizationId: string
  readonly name: string
  /** Days; null: for ever. */
  readonly now: number | null
  readonly wanted: Wanted
  readonly act: Act
  readonly onYes: () => void
  readonly onNo: () => void
}

export function RetentionQuestion(props: RetentionQuestionProps): JSX.Element {
  const { organizationId, name, now, wanted, act, onYes, onNo } = props
  const drops = isShorter(now, wanted.days)
  const { data, error } = useQuery({ ...previewQuery(organizationId, wanted.days), enabled: drops })
  // Nobody decides before it is known what goes; who may not read the log is told that it is not known.
  if (drops && data === undefined && error === null) return <Loading lines={3} label="Reading what would go" />
  const lines = data === undefined ? null : data.lines
  return (
    <Question
      isForGood={drops && lines !== 0}
      title={`Keep the log of ${name} ${keptWords(wanted.days)}?`}
      effects={
        drops
          ? [
              goneWords(data),
              'They cannot be read, exported or brought back after that. Nothing brings them back.',
              'The seals stay: the chain shows how many lines retention took, and who set it is on record.',
            ]
          : [
              'No line goes that is here now.',
              'Lines that have gone already do not come back.',
              'Who set it is on record.',
            ]
      }
      yes={drops && lines !== 0 ? 'Keep it so, and drop them' : 'Keep it so'}
      doing="Setting it…"
      no="Leave it as it is"
      act={act}
      onYes={onYes}
      onNo={onNo}
    >
      {error !== null && drops && (
        <div className="mt-2">
          <Failure error={error} />
        </div>
      )}
    </Question>
  )
}

function goneWords(
  data: { lines: number; hasMore: boolean; before: string | null; oldestAt: string | null } | undefined,
): string {
  if (data === undefined) return 'How many lines go could not be counted: those that are older.'
  const { lines, hasMore, before, oldestAt } = data
  if (lines === 0 || before === null) return 'No line is older than that now; each goes when it becomes so.'
  const count = hasMore
    ? `More than ${formatCount(lines)} lines go`
    : `${plural(lines, 'line')} ${lines === 1 ? 'goes' : 'go'}`
  const since = oldestAt === null ? '' : `, written from ${formatDay(oldestAt)} on`
  return `${count} within about a day: all from before ${formatDay(before)}${since}.`
}
