package marketlake;

import io.delta.storage.HadoopFileSystemLogStore;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.util.Iterator;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.s3a.RemoteFileChangedException;

/**
 * Delta's log on an S3 server with conditional writes: of any number of drivers that commit the same version one wins.
 *
 * Delta's own store for S3 looks whether the file is there and then writes it, so that the later of two drivers replaces the
 * commit of the earlier. S3A asks the server for the condition (If-None-Match: *) only where the writer asks for it, which
 * Delta's store does not.
 */
public class ConditionalLogStore extends HadoopFileSystemLogStore {

  private static final String CONDITION = "fs.option.create.conditional.overwrite";

  public ConditionalLogStore(Configuration configuration) {
    super(configuration);
  }

  @Override
  public void write(Path path, Iterator<String> actions, Boolean overwrite, Configuration configuration)
      throws IOException {
    FileSystem files = path.getFileSystem(configuration);
    FSDataOutputStream stream =
        overwrite
            ? files.create(path, true)
            : (FSDataOutputStream) files.createFile(path).overwrite(false).recursive().must(CONDITION, true).build();
    try {
      while (actions.hasNext()) {
        stream.write((actions.next() + "\n").getBytes(StandardCharsets.UTF_8));
      }
    } catch (IOException | RuntimeException broken) {
      stream.abort(); // closing it would commit the half that was written
      throw broken;
    }
    try {
      stream.close();
    } catch (RemoteFileChangedException | org.apache.hadoop.fs.FileAlreadyExistsException taken) {
      // The type that Delta takes for a lost race; it then looks at the winner, and commits the version after it.
      FileAlreadyExistsException lost = new FileAlreadyExistsException(path.toString());
      lost.initCause(taken);
      throw lost;
    }
  }

  @Override
  public Boolean isPartialWriteVisible(Path path, Configuration configuration) {
    return false;
  }
}
