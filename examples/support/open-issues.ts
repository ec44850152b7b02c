import type { ServicePrincipal } from '@credence/core';
import { connectMcp } from '@credence/sdk-adapter';

/** A small bot, for `unit-test.ts`: it returns the open issues as text. */
export async function openIssues(bot: ServicePrincipal): Promise<string> {
  const client = await connectMcp(bot, 'issues');
  try {
    const { content } = await client.callTool({ name: 'list_issues', arguments: { status: 'open' } });
    return JSON.stringify(content);
  } finally {
    await client.close();
  }
}
