// #region bot
import type { ServicePrincipal } from '@credence/core';
import { connectMcp } from '@credence/sdk-adapter';

export async function openIssues(bot: ServicePrincipal): Promise<string> {
  const client = await connectMcp(bot, 'issues');
  const { content } = await client.callTool({ name: 'list_issues', arguments: { status: 'open' } });
  await client.close();
  return JSON.stringify(content);
}
// #endregion
