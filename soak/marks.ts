// The mark that everything of an organization bears, in a form that no uuid, number or statement contains.

export const markOf = (organization: number): string => `<${organization}>`

/** The marks in a text that are not this organization's. */
export function foreignMarks(text: string, organization: number): readonly string[] {
  return (text.match(/<\d+>/g) ?? []).filter((mark) => mark !== markOf(organization))
}
