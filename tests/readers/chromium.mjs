// Chromium without a window: CHROMIUM names another program than /usr/bin/chromium.
import { chromium } from "playwright-core";

const LAUNCHES = 3;
const options = {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  // Containers give /dev/shm 64 MB.
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--no-first-run"],
};

// It may crash while it starts, before any page is open (seen on a loaded machine: SIGSEGV): then it is
// started again, and the last crash is the caller's.
export async function launch() {
  for (let left = LAUNCHES - 1; left > 0; left -= 1) {
    try {
      return await chromium.launch(options);
    } catch (error) {
      console.error(`Chromium did not start, ${left} more: ${error.message.split("\n")[0]}`);
    }
  }
  return chromium.launch(options);
}
