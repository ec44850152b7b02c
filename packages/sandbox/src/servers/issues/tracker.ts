import { z } from 'zod';

export const issueStatus = z.enum(['open', 'in_progress', 'closed']);
export const issuePriority = z.enum(['low', 'normal', 'high']);

export const issue = z.object({
  id: z.string().describe('For example H-101'),
  title: z.string(),
  body: z.string(),
  status: issueStatus,
  priority: issuePriority,
  labels: z.array(z.string()),
  author: z.string().describe('A person, or the service principal that opened it'),
  createdAt: z.string().describe('ISO 8601'),
});

export type Issue = z.infer<typeof issue>;
export type NewIssue = Pick<Issue, 'title' | 'body' | 'priority' | 'labels' | 'author'>;

/** An issue tracker in memory. The tracker starts with given issues and loses new ones when the sandbox closes. */
export interface IssueTracker {
  /** Newest first. */
  list(filter: { status?: Issue['status'] | undefined; label?: string | undefined }): Issue[];
  get(id: string): Issue | undefined;
  /** Finds issues that contain every word of `text` in title, body or labels. */
  search(text: string): Issue[];
  create(fields: NewIssue): Issue;
}

export function openIssueTracker(seed: readonly Issue[]): IssueTracker {
  const issues = seed.map((entry) => ({ ...entry }));
  const newestFirst = () => issues.toSorted((a, b) => b.createdAt.localeCompare(a.createdAt));
  return {
    list: ({ status, label }) =>
      newestFirst().filter(
        (entry) =>
          (status === undefined || entry.status === status) && (label === undefined || entry.labels.includes(label)),
      ),
    get: (id) => issues.find((entry) => entry.id === id.toUpperCase()),
    search(text) {
      const words = text.toLowerCase().split(/\s+/u).filter(Boolean);
      return newestFirst().filter((entry) => {
        const haystack = [entry.title, entry.body, ...entry.labels].join('\n').toLowerCase();
        return words.every((word) => haystack.includes(word));
      });
    },
    create(fields) {
      const highest = Math.max(100, ...issues.map(({ id }) => Number(id.slice(2))));
      const created: Issue = {
        ...fields,
        id: `H-${highest + 1}`,
        status: 'open',
        createdAt: new Date().toISOString(),
      };
      issues.push(created);
      return created;
    },
  };
}
