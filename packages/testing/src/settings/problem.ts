import type { z } from 'zod';

/** The first problem that a schema found, in words that name the option. `whole` is for a problem of the whole value. */
export function problemOf(error: z.ZodError, whole: string): string {
  const [issue] = error.issues;
  if (issue === undefined) return `${whole} are invalid`;
  const path = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    const unknown = issue.keys.map((key) => `"${key}"`).join(', ');
    return path === '' ? `unknown option ${unknown}` : `${path} has an unknown option ${unknown}`;
  }
  return `${path === '' ? whole : path} ${wordsOf(issue)}`;
}

const TYPES: Readonly<Record<string, string>> = {
  array: 'a list',
  object: 'an object',
  record: 'an object',
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};

function wordsOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.message.endsWith('received undefined')) return 'is missing';
      return `is not ${TYPES[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `is not one of ${issue.values.map((value) => JSON.stringify(value)).join(', ')}`;
    case 'too_small':
      return issue.origin === 'number' || issue.origin === 'int' ? `is smaller than ${issue.minimum}` : issue.message;
    case 'too_big':
      return `is larger than ${issue.maximum}`;
    default:
      return issue.message;
  }
}
