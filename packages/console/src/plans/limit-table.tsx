// What holds for one organization, limit by limit, and whether its plan says so or its own line.
import type { OrganizationLimits } from '@rowhouse/contracts'
import type { JSX } from 'react'
import { formatLimit, limitNames, limitWords } from './limits.ts'

export function LimitTable({
  limits: { own, effective },
  hasHome,
}: {
  limits: OrganizationLimits
  /** Whether it has a schema or a database of its own. */
  hasHome: boolean
}): JSX.Element {
  const shown = limitNames.filter((name) => hasHome || !limitWords[name].isOfHome)
  return (
    <table className="mt-3 w-full max-w-2xl">
      <caption className="sr-only">Limits that hold</caption>
      <thead className="border-b border-line text-xs text-ink-3">
        <tr>
          <th scope="col" className="py-1.5 text-left font-normal">
            Limit
          </th>
          <th scope="col" className="py-1.5 pl-4 text-right font-normal">
            What holds
          </th>
          <th scope="col" className="w-24 py-1.5 pl-4 text-left font-normal">
            By
          </th>
        </tr>
      </thead>
      <tbody>
        {shown.map((name) => {
          const { name: word, meaning } = limitWords[name]
          const isNone = effective[name] === null
          return (
            <tr key={name} className="border-b border-line align-baseline">
              <th scope="row" className="py-1.5 text-left font-normal">
                {word} <span className="text-xs text-ink-3 max-md:block">{meaning}</span>
              </th>
              <td className={`num py-1.5 pl-4 text-right whitespace-nowrap ${isNone ? 'text-ink-3' : ''}`}>
                {formatLimit(name, effective[name])}
              </td>
              <td className="py-1.5 pl-4 whitespace-nowrap text-ink-2">
                {own[name] !== null ? 'its own' : isNone ? '' : 'its plan'}
              </td>
            </tr>
          )
        })}
      </tbody>
    </table>
  )
}
