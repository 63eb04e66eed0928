// GraphiQL's tabs hold buttons of their own (open, close), which the role `tab` forbids: readers would not hear of them.
// As a plain list of buttons, the open one marked current, they say what they are. A release of GraphiQL that changes
// these lines fails the build, so that the mend is looked at again.
const MENDS = [
  ['"aria-selected": isActive,', '"aria-current": isActive,'],
  ['role: "tab",', ''],
  ['role: "tablist",', ''],
]

export function accessibleTabs() {
  return {
    name: 'accessible-tabs',
    transform(code, id) {
      if (!/@graphiql\/react\/dist\/components\/tabs\/index\.js$/.test(id)) return null
      return MENDS.reduce((mended, [from, to]) => {
        if (!mended.includes(from)) this.error(`accessible-tabs: ${JSON.stringify(from)} is not in ${id}`)
        return mended.replace(from, to)
      }, code)
    },
  }
}
