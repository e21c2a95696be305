package pipeline_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"curvestream/internal/shared"
	"curvestream/nn"
	"curvestream/pipeline"
)

// copyChild says, in the environment of a child process, in which directory it is to begin a working copy.
const copyChild = "CURVESTREAM_TEST_COPY"

// A run that makes the copy of another process's run at the same time completes it undisturbed; what a process that was killed left in
// the middle of its copy is in nobody's way, and is gone after the next run.
func TestWorkingCopyOfAKilledRun(t *testing.T) {
	path := shared.Dir(t, "data", "japanese_vowels_train_long.parquet")
	if dir := os.Getenv(copyChild); dir != "" {
		beginCopy(t, path, dir)
		return
	}
	want, dir := open(t, path, vowels, pipeline.LoaderOptions{}).all(t), t.TempDir()
	child := exec.Command(os.Args[0], "-test.run=^TestWorkingCopyOfAKilledRun$")
	child.Env = append(os.Environ(), copyChild+"="+dir)
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	kill := func() {
		_ = child.Process.Kill() // it may have ended
		_ = child.Wait()         // with the error of being killed
	}
	defer kill()
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || !strings.Contains(line, "writing") {
		t.Fatalf("%q, %v", line, err)
	}
	count := func() (complete, begun int) {
		for _, found := range copies(t, dir) {
			if strings.Contains(found, ".tmp-") {
				begun++
			} else {
				complete++
			}
		}
		return complete, begun
	}
	o := pipeline.LoaderOptions{Copy: pipeline.CopyOptions{Dir: dir}}
	if open(t, path, vowels, o).all(t) != want {
		t.Error("other bits beside another process's copy")
	}
	if complete, begun := count(); complete != 1 || begun != 1 {
		t.Errorf("%d complete copies and %d begun ones beside a process that writes", complete, begun)
	}
	kill()
	for _, found := range copies(t, dir) {
		if !strings.Contains(found, ".tmp-") {
			if err := os.RemoveAll(found); err != nil {
				t.Fatal(err)
			}
		}
	}
	if complete, begun := count(); complete != 0 || begun != 1 {
		t.Fatalf("%d complete copies and %d begun ones after the kill", complete, begun)
	}
	if open(t, path, vowels, o).all(t) != want {
		t.Error("other bits after a kill")
	}
	if complete, begun := count(); complete != 1 || begun != 0 {
		t.Errorf("%d complete copies and %d begun ones in the end", complete, begun)
	}
}

// beginCopy begins a copy, says so, and waits to be killed.
func beginCopy(t *testing.T, path, dir string) {
	d := open(t, path, vowels, pipeline.LoaderOptions{Copy: pipeline.CopyOptions{Dir: dir}})
	mb := newPlan(t, d.manifest, pipeline.PlanOptions{GradientSize: 10, Shuffle: pipeline.ShuffleNone}).Minibatch(pipeline.Gradient, 1)
	if err := d.loader.Each(t.Context(), mb, func(*nn.Batch[float32]) error {
		fmt.Println("writing")
		time.Sleep(time.Hour)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
