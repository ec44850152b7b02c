import type { ServicePrincipal } from '@credence/core';
import { connectMcp } from '@credence/sdk-adapter';

/** A small bot: it reads the open issues, and returns one line. If it is refused access, the line says whom to ask. */
// #region bot
export async function openIssues(bot: ServicePrincipal): Promise<string> {
  const client = await connectMcp(bot, 'issues');
  try {
    const { content } = await client.callTool({ name: 'list_issues', arguments: { status: 'open' } });
    return `Open issues: ${JSON.stringify(content)}`;
  } finally {
    await client.close();
  }
}
// #endregion
