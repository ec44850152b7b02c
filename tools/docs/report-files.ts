/** Reports by the name of their file. */
export type ReportFiles = ReadonlyMap<string, string>;

/** A message for each committed report that differs from the build, is missing, or has no entry point. */
export function changedReports(committed: ReportFiles, built: ReportFiles): string[] {
  const missing = [...built.keys()].filter((file) => !committed.has(file));
  const stale = [...committed.keys()].filter((file) => !built.has(file));
  const changed = [...built].filter(([file, text]) => committed.has(file) && committed.get(file) !== text);
  return [
    ...missing.map((file) => `${file} does not exist: a new entry point?`),
    ...stale.map((file) => `${file} belongs to no entry point`),
    ...changed.map(
      ([file, text]) => `${file} differs from the build${firstDifference(committed.get(file) ?? '', text)}`,
    ),
  ];
}

function firstDifference(committed: string, built: string): string {
  const before = committed.split('\n');
  const after = built.split('\n');
  const at = after.findIndex((line, index) => line !== before[index]);
  const line = at < 0 ? after.length : at;
  return ` from line ${line + 1} on:\n  - ${before[line] ?? '(end)'}\n  + ${after[line] ?? '(end)'}`;
}
