// Isolation as a picture: objects by the kind of rule. What is sound is shown too: that it was looked at is the point.
import type { VerificationReport } from '@rowhouse/contracts'
import { Link } from '@tanstack/react-router'
import type { JSX } from 'react'
import { toneText } from '../parts/parts.tsx'
import { plural } from '../words/numbers.ts'
import { keyOf, severityWords } from './words.ts'

export function Matrix({ report }: { report: VerificationReport }): JSX.Element | null {
  const { columns, rows, soundLeftOut } = report.matrix
  if (rows.length === 0) return null
  return (
    <section className="border-t border-line py-5">
      <h2 className="font-semibold">What was looked at</h2>
      <div
        role="region"
        aria-label="Objects by kind of rule"
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable by keyboard
        tabIndex={0}
        className="relative -mx-4 mt-2 overflow-x-auto px-4 md:-mx-6 md:px-6"
      >
        <table className="w-full min-w-[680px] border-collapse">
          <thead>
            <tr className="border-b border-line text-xs text-ink-3">
              <th scope="col" className="h-8 pr-4 text-left font-normal">
                Object
              </th>
              {columns.map(({ id, name }) => (
                <th key={id} scope="col" className="w-[72px] px-1 text-center font-normal">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ object, cells }) => (
              <tr key={object} className="border-b border-line hover:bg-sunken">
                <th scope="row" className="code h-8 max-w-[320px] truncate pr-4 text-left font-normal" title={object}>
                  {object}
                </th>
                {cells.map((cell, at) => (
                  <td key={columns[at]?.id ?? at} className="text-center">
                    {cell === null ? (
                      <span className="text-ink-3">
                        <span aria-hidden="true">·</span>
                        <span className="sr-only">nothing found</span>
                      </span>
                    ) : (
                      <Mark cell={cell} report={report} />
                    )}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p className="mt-2 text-xs text-ink-3">
        E error, W warning, N note, · nothing found
        {soundLeftOut > 0 && `; ${plural(soundLeftOut, 'more table')} with nothing found`}
      </p>
    </section>
  )
}

type Cell = NonNullable<VerificationReport['matrix']['rows'][number]['cells'][number]>

function Mark({ cell, report }: { cell: Cell; report: VerificationReport }): JSX.Element {
  const { letter, tone, word } = severityWords[cell.severity]
  const label = plural(cell.count, word.toLowerCase())
  const first = report.findings[cell.first]
  return (
    <Link
      to="/isolation"
      search={first === undefined ? {} : { finding: keyOf(first) }}
      aria-label={label}
      title={label}
      resetScroll={false}
      className={`num inline-block min-w-6 rounded-xs px-1 font-medium underline decoration-line-strong underline-offset-4 ${toneText[tone]}`}
    >
      {letter}
      {cell.count > 1 && cell.count}
    </Link>
  )
}
