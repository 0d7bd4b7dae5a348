// A part of the page about an organization's load: a heading and what is under it.
import type { JSX, ReactNode } from 'react'

export const Section = ({ title, children }: { title: string; children: ReactNode }): JSX.Element => (
  <section aria-label={title}>
    <h2 className="pb-2 font-semibold">{title}</h2>
    {children}
  </section>
)
