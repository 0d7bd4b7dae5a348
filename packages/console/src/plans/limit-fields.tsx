// The fields of all limits: empty is no bound of one's own, and what holds then stands in the field.
import type { JSX } from 'react'
import { Field, fieldLook } from '../parts/field.tsx'
import { limitNames, limitWords } from './limits.ts'
import type { LimitName, Read, Texts } from './limits.ts'

export interface LimitFieldsProps {
  readonly texts: Texts
  readonly problems: Read['problems']
  /** What holds where a field is empty. */
  readonly otherwise: (name: LimitName) => string
  readonly onChange: (texts: Texts) => void
}

export function LimitFields({ texts, problems, otherwise, onChange }: LimitFieldsProps): JSX.Element {
  return (
    <div className="grid gap-x-4 gap-y-3 sm:grid-cols-2 xl:grid-cols-4">
      {limitNames.map((name) => {
        const { name: word, meaning, isTime, isOfHome } = limitWords[name]
        return (
          <Field
            key={name}
            name={isTime ? `${word}, ms` : word}
            hint={isOfHome ? `${meaning} Homes of their own only.` : meaning}
            problem={problems[name] ?? null}
            render={(tie) => (
              <input
                {...tie}
                inputMode="numeric"
                autoComplete="off"
                placeholder={otherwise(name)}
                className={`${fieldLook} num text-right`}
                value={texts[name]}
                onChange={({ target }) => onChange({ ...texts, [name]: target.value })}
              />
            )}
          />
        )
      })}
    </div>
  )
}
