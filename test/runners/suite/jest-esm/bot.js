// #region bot
import { connectMcp } from '@credence/sdk-adapter';

export async function openIssues(bot) {
  const client = await connectMcp(bot, 'issues');
  const { content } = await client.callTool({ name: 'list_issues', arguments: { status: 'open' } });
  await client.close();
  return content[0].text;
}
// #endregion
