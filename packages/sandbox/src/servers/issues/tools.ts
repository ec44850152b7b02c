import { z } from 'zod';
import { type SandboxTool, sandboxTool, ToolRefusal } from '../sandbox-tool.ts';
import { issue, issuePriority, issueStatus, type Issue, type IssueTracker } from './tracker.ts';

export const ISSUES_READ = 'issues:read';
export const ISSUES_WRITE = 'issues:write';

const summary = issue.omit({ body: true });
const readOnly = { readOnlyHint: true, openWorldHint: false };

export function issueTools(tracker: IssueTracker): SandboxTool[] {
  return [
    sandboxTool({
      name: 'list_issues',
      scope: ISSUES_READ,
      title: 'List issues',
      description:
        'Lists the issues of the product team, newest first, without their text. Use get_issue for the text.',
      input: {
        status: issueStatus.optional().describe('Only issues in this status'),
        label: z.string().max(50).optional().describe('Only issues with this label, for example firmware'),
        limit: z.int().min(1).max(100).default(20),
      },
      output: { issues: z.array(summary), total: z.int().describe('How many match, before the limit') },
      annotations: readOnly,
      run({ status, label, limit }) {
        const found = tracker.list({ status, label });
        return { issues: found.slice(0, limit).map(summarize), total: found.length };
      },
    }),
    sandboxTool({
      name: 'get_issue',
      scope: ISSUES_READ,
      title: 'Read an issue',
      description: 'Returns one issue with its text.',
      input: { id: z.string().max(20).describe('The id of the issue, for example H-101') },
      output: issue.shape,
      annotations: readOnly,
      run({ id }) {
        const found = tracker.get(id);
        if (found === undefined)
          throw new ToolRefusal(`There is no issue ${id}. Use list_issues or search_issues to find one.`);
        return found;
      },
    }),
    sandboxTool({
      name: 'search_issues',
      scope: ISSUES_READ,
      title: 'Search issues',
      description: 'Finds issues whose title, text or labels contain every given word, newest first.',
      input: {
        text: z.string().min(1).max(200).describe('Words to look for, in any order'),
        limit: z.int().min(1).max(100).default(20),
      },
      output: { issues: z.array(summary), total: z.int() },
      annotations: readOnly,
      run({ text, limit }) {
        const found = tracker.search(text);
        return { issues: found.slice(0, limit).map(summarize), total: found.length };
      },
    }),
    sandboxTool({
      name: 'create_issue',
      scope: ISSUES_WRITE,
      title: 'Open an issue',
      description:
        'Opens a new issue, signed with the name of the calling service principal. Search first: it may exist.',
      input: {
        title: z.string().min(1).max(120),
        body: z.string().max(5_000).default(''),
        priority: issuePriority.default('normal'),
        labels: z.array(z.string().min(1).max(50)).max(10).default([]),
      },
      output: issue.shape,
      annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
      run: (fields, caller) => tracker.create({ ...fields, author: caller.subject }),
    }),
  ];
}

function summarize({ body: _body, ...rest }: Issue): z.infer<typeof summary> {
  return rest;
}
