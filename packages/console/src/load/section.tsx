// A part of the page about an organization's load: a heading, what belongs beside it, and what is under it.
import type { JSX, ReactNode } from 'react'

export interface SectionProps {
  readonly title: string
  readonly beside?: ReactNode
  readonly children: ReactNode
}

export const Section = ({ title, beside, children }: SectionProps): JSX.Element => (
  <section aria-label={title}>
    <div className="flex flex-wrap items-center justify-between gap-x-4 pb-2">
      <h2 className="font-semibold">{title}</h2>
      {beside}
    </div>
    {children}
  </section>
)
