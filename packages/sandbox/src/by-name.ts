/** Calls `make` for each name in order, and returns the values in an object with the names as keys. */
export function byName<Name extends string, Value>(
  names: readonly Name[],
  make: (name: Name) => Value,
): Record<Name, Value> {
  return Object.fromEntries(names.map((name) => [name, make(name)])) as Record<Name, Value>;
}

/** Calls the asynchronous `make` for all names at once, and resolves to an object with the names as keys. */
export async function byNameAsync<Name extends string, Value>(
  names: readonly Name[],
  make: (name: Name) => Promise<Value>,
): Promise<Record<Name, Value>> {
  const values = await Promise.all(names.map(async (name) => [name, await make(name)] as const));
  return Object.fromEntries(values) as Record<Name, Value>;
}
